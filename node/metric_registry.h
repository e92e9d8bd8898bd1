#pragma once
// The two ways numbers get onto the metrics page: counters that the node's code increments,
// and values that a scrape takes from snapshots.
#include "actors/metered.h"
#include "node/metric_table.h"
#include <prometheus/counter.h>
#include <prometheus/metric_family.h>
#include <prometheus/registry.h>
#include <initializer_list>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tabletd {

using label_values = std::initializer_list<std::string_view>;
using label_vocabulary = std::span<const std::string_view>;

/// The counters of one family, every combination of label values present from the start: a
/// rate() must see the first increment.
class counter_family {
public:
  counter_family() = default;
  /// A value outside its vocabulary counts as the vocabulary's last.
  void count(label_values labels);

private:
  friend class metric_registry;
  std::vector<std::vector<std::string>> vocabularies_;
  std::vector<prometheus::Counter*> counters_; ///< Of every combination, the last label's values side by side.
};

class metric_registry {
public:
  [[nodiscard]] counter_family counters(const metric_family& row, std::initializer_list<label_vocabulary> vocabularies);
  [[nodiscard]] std::vector<prometheus::MetricFamily> collect() const { return registry_.Collect(); }

private:
  prometheus::Registry registry_;
};

/// One scrape in the making.
class metric_page {
public:
  /// As many labels as the family has, in its order; no combination twice.
  void add(const metric_family& row, label_values labels, double value);
  void add(const metric_family& row, double value) { add(row, {}, value); }
  void add(const metric_family& row, label_values labels, const histogram_counts& counts, std::span<const double> bounds);
  [[nodiscard]] std::vector<prometheus::MetricFamily> take();

private:
  prometheus::ClientMetric& series(const metric_family& row, label_values labels);
  std::map<std::string_view, prometheus::MetricFamily> families_;
};

[[nodiscard]] std::string exposition(const std::vector<prometheus::MetricFamily>& families);

/// /proc/self under the names every Prometheus client uses.
void add_process_metrics(metric_page& page);
/// Actors and supervisors of this process.
void add_actor_metrics(metric_page& page);
void add_supervision_metrics(metric_page& page);

} // namespace tabletd
