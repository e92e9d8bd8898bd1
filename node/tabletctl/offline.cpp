#include "node/tabletctl/offline.h"
#include "actors/model/offline/plot.h"
#include "actors/model/offline/scenario_run.h"
#include "node/tabletctl/diagnosis_json.h"
#include "node/tabletctl/display.h"
#include "node/tabletctl/json_reader.h"
#include "node/tabletctl/local_file.h"
#include "node/tabletctl/offline_failure.h"
#include <capnp/message.h>
#include <fmt/format.h>
#include <cstdio>

namespace tabletd::ctl {

namespace {

std::string read_whole(const std::string& path) {
  source_file from{path == "-" ? "/dev/stdin" : path};
  std::string text;
  for (std::size_t got = 1; got > 0;) {
    const auto before = text.size();
    text.resize(before + 65'536);
    got = from.read(std::as_writable_bytes(std::span{text}).subspan(before));
    text.resize(before + got);
  }
  return text;
}

// -- simulate ----------------------------------------------------------------------------

using namespace model::offline;

constexpr std::string_view row_format = "{:>12}  {:>15}  {:>6}  {:>7}  {:>10}  {:>20}  {}\n";

std::string header() {
  return fmt::format(row_format, "time", "healthy", "queued", "running", "copied", "replicas/be", "not healthy");
}

std::string row(const sim_facts& seen) {
  std::string sick;
  for (std::size_t at = 1; at < seen.by_health.size(); ++at)
    if (seen.by_health[at] > 0)
      sick += fmt::format("{}{} {}", sick.empty() ? "" : ", ", name(static_cast<model::tablet_health>(at)),
                          seen.by_health[at]);
  return fmt::format(row_format, duration_text(static_cast<double>(seen.at.count()) / 1'000),
                     fmt::format("{}/{}", seen.healthy(), seen.tablets), seen.queued, seen.running,
                     bytes_text(static_cast<double>(seen.copied_bytes)),
                     fmt::format("{} .. {:.1f} .. {}", seen.replicas_min, seen.replicas_average, seen.replicas_max),
                     sick.empty() ? "-" : sick);
}

std::string text_of(const run_summary& ran) {
  return fmt::format(
    "copies    {} ordered, {} finished, {} failed or called off\n"
    "bytes     {} copied, {} of them needed\n"
    "thrash    {:.3f}, {} reverted\n"
    "healthy   {}, longest time without {}\n"
    "loads     {} refused\n"
    "asserted  {}\n",
    ran.orders, ran.copies, ran.failures, bytes_text(static_cast<double>(ran.end.copied_bytes)),
    bytes_text(static_cast<double>(ran.needed_bytes)), static_cast<double>(ran.thrash_thousandths) / 1'000,
    ran.reverted, ran.healthy ? "yes" : "no", duration_text(static_cast<double>(ran.longest_illness.count()) / 1'000),
    ran.loads_refused, ran.assertions);
}

/// As editors jump to it.
exit_code fail_at(const std::string& path, std::uint32_t line, const std::string& sentence) {
  std::fprintf(stderr, "%s:%u: %s\n", path.c_str(), line, sentence.c_str());
  return exit_failed;
}

} // namespace

exit_code run_offline(const offline_diagnose& what, text_sink& out) {
  try {
    capnp::MallocMessageBuilder message;
    auto cluster = message.initRoot<wire::OfflineCluster>();
    read_json(read_whole(what.json_path), cluster);
    out.write(diagnosis_json(build(cluster.asReader()), {.why = what.why}));
    return exit_ok;
  } catch (const json_failure& why) {
    return fail(what.json_path + ": " + why.what());
  } catch (const file_failure& why) {
    return fail(why.what());
  }
}

exit_code run_offline(const offline_simulate& what, text_sink& out) {
  try {
    const auto parsed = parse_scenario(read_whole(what.scenario_path));
    if (const auto* wrong = std::get_if<scenario_error>(&parsed))
      return fail_at(what.scenario_path, wrong->line, wrong->message + (wrong->hint.empty() ? "" : "; " + wrong->hint));
    bool first = true;
    const auto ran = run_scenario(std::get<scenario>(parsed), [&](const printed& seen) {
      if (std::exchange(first, false))
        out.write(header());
      out.write(row(seen.facts));
      for (const auto& b : seen.backends)
        out.write(fmt::format("  backend {:>4}  {:<7}  {:>7} replicas  {:>5.1f} % full  score {:.3f}\n", b.number,
                              b.state, b.replicas, b.fill * 100, b.score));
      out.flush();
    });
    out.write((first ? "" : "\n") + text_of(ran));
    out.flush();
    if (!what.plot_path.empty()) {
      export_file to{what.plot_path};
      const auto drawing = plot_svg(ran.samples, what.scenario_path);
      to.append(std::as_bytes(std::span{drawing}));
      to.commit();
    }
    return ran.failure.empty() ? exit_ok : fail_at(what.scenario_path, ran.failed_line, ran.failure);
  } catch (const file_failure& why) {
    return fail(why.what());
  }
}

} // namespace tabletd::ctl
