#include "node/metric_registry.h"
#include "actors/supervision/ports.h"
#include "node/log.h"
#include <prometheus/text_serializer.h>
#include <algorithm>
#include <cassert>
#include <limits>

namespace tabletd {

namespace {

prometheus::MetricType type_of(metric_type type) {
  switch (type) {
    case metric_type::counter:
      return prometheus::MetricType::Counter;
    case metric_type::gauge:
      return prometheus::MetricType::Gauge;
    case metric_type::histogram:
      return prometheus::MetricType::Histogram;
  }
  return prometheus::MetricType::Untyped;
}

} // namespace

// -- counters ------------------------------------------------------------------------------

void counter_family::count(label_values labels) {
  assert(labels.size() == vocabularies_.size());
  std::size_t at = 0;
  auto vocabulary = vocabularies_.begin();
  for (const auto value : labels) {
    const auto known = std::find(vocabulary->begin(), vocabulary->end(), value);
    const auto place = std::min<std::size_t>(static_cast<std::size_t>(known - vocabulary->begin()), vocabulary->size() - 1);
    at = at * vocabulary++->size() + place;
  }
  counters_[at]->Increment();
}

counter_family metric_registry::counters(const metric_family& row, std::initializer_list<label_vocabulary> vocabularies) {
  assert(row.type == metric_type::counter && row.label_count() == vocabularies.size());
  counter_family made;
  auto& family = prometheus::BuildCounter().Name(std::string(row.name)).Help(std::string(row.help)).Register(registry_);
  std::vector<prometheus::Labels> combinations{{}};
  std::size_t i = 0;
  for (const auto& vocabulary : vocabularies) {
    made.vocabularies_.emplace_back(vocabulary.begin(), vocabulary.end());
    std::vector<prometheus::Labels> longer;
    for (const auto& combination : combinations)
      for (const auto value : vocabulary) {
        longer.push_back(combination);
        longer.back().emplace(row.labels[i], value);
      }
    combinations = std::move(longer);
    ++i;
  }
  for (const auto& combination : combinations)
    made.counters_.push_back(&family.Add(combination));
  return made;
}

// -- one scrape ----------------------------------------------------------------------------

prometheus::ClientMetric& metric_page::series(const metric_family& row, label_values labels) {
  assert(labels.size() == row.label_count());
  auto& family = families_[row.name];
  if (family.name.empty()) {
    family.name = row.name;
    family.help = row.help;
    family.type = type_of(row.type);
  }
  auto& made = family.metric.emplace_back();
  std::size_t i = 0;
  for (const auto value : labels)
    made.label.push_back({std::string(row.labels[i++]), std::string(value)});
  return made;
}

void metric_page::add(const metric_family& row, label_values labels, double value) {
  auto& made = series(row, labels);
  (row.type == metric_type::counter ? made.counter.value : made.gauge.value) = value;
}

void metric_page::add(const metric_family& row, label_values labels, const histogram_counts& counts,
                      std::span<const double> bounds) {
  assert(row.type == metric_type::histogram && counts.buckets.size() == bounds.size() + 1);
  auto& made = series(row, labels).histogram;
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < counts.buckets.size(); ++i) {
    below += counts.buckets[i];
    made.bucket.push_back({below, i < bounds.size() ? bounds[i] : std::numeric_limits<double>::infinity()});
  }
  made.sample_count = below;
  made.sample_sum = counts.sum;
}

std::vector<prometheus::MetricFamily> metric_page::take() {
  std::vector<prometheus::MetricFamily> all;
  for (auto& [name, family] : families_)
    all.push_back(std::move(family));
  families_.clear();
  return all;
}

std::string exposition(const std::vector<prometheus::MetricFamily>& families) {
  return prometheus::TextSerializer{}.Serialize(families);
}

} // namespace tabletd
