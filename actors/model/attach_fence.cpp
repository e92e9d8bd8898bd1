#include "actors/model/attach_fence.h"

namespace tabletd::model {

namespace {

std::string hex(const cluster_uuid& id) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const auto byte : id) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

/// Empty: welcome.
std::string objection(const attach_fence& fence, const attach_hello& hello) {
  if (hello.cluster == cluster_uuid{} || raw(hello.backend) == 0 || hello.term == 0)
    return "the hello lacks a cluster id, a backend id or a term; the caller is not a tabletd leader";
  if (fence.binding && fence.binding->cluster != hello.cluster)
    return "this backend belongs to cluster " + hex(fence.binding->cluster) + ", not to "
           + hex(hello.cluster) + "; add a backend with an empty data directory instead";
  if (fence.binding && fence.binding->backend != hello.backend)
    return "this is backend " + std::to_string(raw(fence.binding->backend)) + ", not backend "
           + std::to_string(raw(hello.backend))
           + "; check host and port in SHOW BACKENDS, two entries may point at one process";
  if (hello.term < fence.term)
    return "term " + std::to_string(hello.term) + " is stale, this backend follows term "
           + std::to_string(fence.term) + "; a newer leader has been elected";
  return {};
}

} // namespace

attach_outcome step(attach_fence& fence, const attach_hello& hello) {
  if (auto why = objection(fence, hello); !why.empty()) {
    const bool first = fence.refused_last != hello;
    fence.refused_last = hello;
    return attach_refused{std::move(why), first};
  }
  const bool bind = !fence.binding;
  fence.binding = backend_binding{hello.cluster, hello.backend};
  fence.term = hello.term;
  fence.refused_last.reset();
  const auto replaced = fence.link;
  fence.link = ++fence.links_made;
  return attach_accepted{fence.link, replaced, bind};
}

void binding_failed(attach_fence& fence) {
  fence.binding.reset();
  fence.term = 0;
  fence.link = 0;
}

void link_ended(attach_fence& fence, std::uint64_t link) {
  if (fence.link == link)
    fence.link = 0;
}

std::optional<std::string> refuse_call(const attach_fence& fence, std::uint64_t link, model::term of_call) {
  if (of_call < fence.term)
    return "term " + std::to_string(of_call) + " is stale, this backend follows term "
           + std::to_string(fence.term) + "; a newer leader has been elected";
  if (link != fence.link)
    return "this link was replaced by a later attach; attach again";
  if (of_call > fence.term)
    return "term " + std::to_string(of_call) + " never attached here, this link has term "
           + std::to_string(fence.term) + "; attach first";
  return std::nullopt;
}

} // namespace tabletd::model
