#pragma once
// What a node tells Prometheus and /readyz (docs/operations.md): the families of
// node/metric_table.h, filled from snapshots that the rooms publish anyway.  Nothing here
// touches an actor; a scrape costs its own thread only.
#include "node/http_host.h"
#include "node/metric_registry.h"
#include <atomic>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

namespace tabletd {

class fe_node;
class be_node;

/// What both roles count.  Any thread.
class node_metrics {
public:
  explicit node_metrics(metric_role role);
  virtual ~node_metrics() = default;
  node_metrics(const node_metrics&) = delete;

  /// Exposition text 0.0.4; takes milliseconds.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] std::vector<readiness_check> readiness() const;
  void http_answered(std::string_view handler, std::string_view code) { http_.count({handler, code}); }

  [[nodiscard]] metric_registry& registry() { return registry_; }

protected:
  /// While the node lives.
  virtual void collect(metric_page& page) const = 0;
  [[nodiscard]] virtual std::vector<readiness_check> check() const = 0;
  /// Shared while somebody looks at the node.
  mutable std::shared_mutex node_mutex_;

private:
  metric_role role_;
  metric_registry registry_;
  counter_family http_;
};

class be_metrics final : public node_metrics {
public:
  be_metrics() : node_metrics(metric_role::be) {}
  /// From now on the node is looked at; until close() it must live.
  void serve(be_node& node);
  void close();

private:
  void collect(metric_page& page) const override;
  [[nodiscard]] std::vector<readiness_check> check() const override;
  be_node* node_ = nullptr;
};

class fe_metrics final : public node_metrics {
public:
  fe_metrics();
  void serve(fe_node& node);
  void close();
  void statement_ended(std::string_view kind, bool ok);

private:
  void collect(metric_page& page) const override;
  [[nodiscard]] std::vector<readiness_check> check() const override;
  fe_node* node_ = nullptr;
  counter_family statements_;
};

} // namespace tabletd
