// Configuration: the documented defaults parse back to themselves, every layer wins over the
// one below, and what is wrong is named with its place.
#include "node/config.h"
#include <fmt/format.h>
#include <gtest/gtest.h>

namespace tabletd {

namespace {

template <class F>
std::string refusal(F parse) {
  try {
    parse();
  } catch (const config_error& why) {
    return why.what();
  }
  return "accepted";
}
std::string fe_refusal(const std::string& text, const config_overrides& overrides = {}) {
  return refusal([&] { (void)parse_fe_config(text, "fe.toml", overrides); });
}
std::string be_refusal(const std::string& text, const config_overrides& overrides = {}) {
  return refusal([&] { (void)parse_be_config(text, "be.toml", overrides); });
}

TEST(Config, TheDefaultFileParsesBackToTheDefaults) {
  EXPECT_EQ(to_toml(parse_fe_config(to_toml(fe_config{}), "fe.toml")), to_toml(fe_config{}));
  EXPECT_EQ(to_toml(parse_be_config(to_toml(be_config{}), "be.toml")), to_toml(be_config{}));
  EXPECT_EQ(to_toml(parse_fe_config("", "fe.toml")), to_toml(fe_config{})) << "an empty file is the defaults";
}

TEST(Config, EveryKeyOfTheDefaultFileHasAComment) {
  for (const auto& text : {to_toml(fe_config{}), to_toml(be_config{})}) {
    std::istringstream in(text);
    std::string before;
    int keys = 0;
    for (std::string line; std::getline(in, line); before = line)
      if (line.find(" = ") != std::string::npos && line[0] != '#') {
        ++keys;
        EXPECT_TRUE(before.starts_with("# ")) << line;
      }
    EXPECT_GE(keys, 10);
    // node.join is no knob but the answer to a question that nothing else answers: found a group, or wait for one?
    // cooldown.lease_ms weighs how long a dead uploader keeps its tablets from cooling against how long a store
    // may take for one object; no default is right for a rack and for a link across an ocean.
    // cache.min_left_mib is what front ends are told as storage.min_left_mib, which a backend is not.
    // cache.capacity_bytes is how much of a disk its owner gives away, warmup.bytes_per_s what his link to the store can
    // spare, warmup.requests what it takes to fill that link: none of them can be guessed from inside.
    // warmup.*: batch_bytes and rest_ms weigh work done twice against entries of the log and against a restart's time,
    // which differ from a laptop to a rack; the others are limits of the seed, which it says an operator may set.
    EXPECT_LE(keys, 34) << "adding a knob needs a removed one or an argument (design/style.md 5)";
  }
}

TEST(Config, ValuesChangeWhatTheyName) {
  const auto fe = parse_fe_config("[node]\nname = 'fe7'\nid = 7\n[storage]\nhigh_watermark = 0.5\nmin_left_mib = 0\n"
                                  "[membership]\nheartbeat_interval_ms = 250\n", "fe.toml");
  EXPECT_EQ(fe.name, "fe7");
  EXPECT_EQ(fe.id, 7U);
  EXPECT_EQ(fe.high_watermark, 0.5);
  EXPECT_EQ(fe.min_left_mib, 0U);
  EXPECT_EQ(fe.heartbeat_interval_ms, 250U);
  const auto be = parse_be_config("storage.paths = ['/d0', '/d1:ssd']\nsecurity.allow_insecure = true\n", "be.toml");
  EXPECT_EQ(be.paths, (std::vector<std::string>{"/d0", "/d1:ssd"}));
  EXPECT_TRUE(be.allow_insecure);
}

TEST(Config, LaterLayersWin) {
  const std::string file = "[node]\nname = 'file'\n";
  EXPECT_EQ(parse_fe_config(file, "fe.toml").name, "file");
  const config_overrides environment{{}, {{"TABLETD_NODE_NAME", "variable"}}};
  EXPECT_EQ(parse_fe_config(file, "fe.toml", environment).name, "variable");
  const config_overrides both{{"node.name=set"}, {{"TABLETD_NODE_NAME", "variable"}}};
  EXPECT_EQ(parse_fe_config(file, "fe.toml", both).name, "set");
}

TEST(Config, TextOutsideTheFileIsTomlOrAPlainString) {
  const config_overrides how{{"node.data_dir=/var/x", "storage.paths=['/a','/b']", "security.allow_insecure=true"}, {}};
  const auto be = parse_be_config("", "be.toml", how);
  EXPECT_EQ(be.data_dir, "/var/x");
  EXPECT_EQ(be.paths.size(), 2U);
  EXPECT_TRUE(be.allow_insecure);
}

TEST(Config, NamesWhatIsWrongAndWhere) {
  const std::pair<std::string, std::string> table[] = {
    {"[node]\nnmae = 'x'\n", "fe.toml:2:1: unknown key node.nmae; did you mean node.name?"},
    {"[nodes]\nname = 'x'\n", "fe.toml:1:2: unknown key nodes"},
    {"[node]\nid = 'seven'\n", "fe.toml:2:6: node.id takes a whole number"},
    {"[node]\nid = -1\n", "fe.toml:2:6: node.id takes a whole number"},
    {"[node]\nid = 0\n", "fe.toml:2:6: node.id must be between 1 and "},
    {"[storage]\nhigh_watermark = 1.5\n", "fe.toml:2:18: storage.high_watermark must be between "},
    {"[node]\nname = 'x\n", "fe.toml:2:"},
    {"[node]\nname = ['x']\n", "fe.toml:2:8: node.name takes a string"},
    {"[log]\nlevel = 'loud'\n", "fe.toml: log.level is \"loud\"; it must be debug, info, warn or error"},
  };
  for (const auto& [text, beginning] : table)
    EXPECT_EQ(fe_refusal(text).substr(0, beginning.size()), beginning) << text << "\n" << fe_refusal(text);
  EXPECT_EQ(be_refusal("[storage]\npaths = ['/a', 7]\n"), "be.toml:2:9: storage.paths takes a list of strings");
}

TEST(Config, NamesTheVariableOrTheOptionThatIsWrong) {
  EXPECT_EQ(fe_refusal("", {{"node.nmae=x"}, {}}), "--set node.nmae=x: unknown key node.nmae; did you mean node.name?");
  EXPECT_EQ(fe_refusal("", {{"node.name"}, {}}), "--set node.name: expected section.key=value");
  EXPECT_EQ(fe_refusal("", {{}, {{"TABLETD_NODE_ID", "many"}}}), "TABLETD_NODE_ID: node.id takes a whole number");
}

TEST(Config, OnlyLoopbackWithoutLeave) {
  EXPECT_NE(fe_refusal("rpc.listen = '0.0.0.0:9020'\n").find("allow_insecure"), std::string::npos);
  EXPECT_NE(be_refusal("http.listen = '[::]:8040'\n").find("allow_insecure"), std::string::npos);
  EXPECT_EQ(fe_refusal("rpc.listen = '10.0.0.1:9020'\nsecurity.allow_insecure = true\n"), "accepted");
  EXPECT_EQ(be_refusal("rpc.listen = '0.0.0.0:9060'\nsecurity.allow_insecure = true\n"), "accepted");
  EXPECT_NE(fe_refusal("rpc.listen = '127.example.org:9020'\n").find("allow_insecure"), std::string::npos);
  for (const auto* loopback : {"127.0.0.1:0", "127.8.9.1:5", "localhost:9020", "[::1]:9020"})
    EXPECT_EQ(fe_refusal(std::string("rpc.listen = '") + loopback + "'\n"), "accepted") << loopback;
  EXPECT_NE(fe_refusal("rpc.listen = '127.0.0.1'\n").find("host:port"), std::string::npos);
}

TEST(Config, WhoJoinsNamesItselfAndTheGroup) {
  const auto text = [](const char* frontends) {
    return fmt::format("[node]\nid = 4\njoin = true\nfrontends = [{}]\n", frontends);
  };
  EXPECT_TRUE(parse_fe_config(text("'1@h:1', '4@h:4'"), "fe.toml").join);
  EXPECT_NE(fe_refusal(text("")).find("at least one of the group"), std::string::npos);
  EXPECT_NE(fe_refusal(text("'4@h:4'")).find("at least one of the group"), std::string::npos);
  EXPECT_NE(fe_refusal(text("'1@h:1', '2@h:2'")).find("does not name this fe"), std::string::npos);
}

TEST(Config, AnAdvertisedHostIsOneThatCanBeReached) {
  const std::string open = "security.allow_insecure = true\nrpc.listen = '0.0.0.0:9020'\n";
  EXPECT_NE(fe_refusal(open).find("set rpc.advertise_host"), std::string::npos);
  EXPECT_NE(fe_refusal(open + "rpc.advertise_host = '[::]'\n").find("set rpc.advertise_host"), std::string::npos);
  EXPECT_EQ(fe_refusal(open + "rpc.advertise_host = 'fe1.example.org'\n"), "accepted");
}

TEST(Config, SizesThatCannotBeCountedInBytesAreRefused) {
  EXPECT_NE(be_refusal("storage.quota_mib = 17592186044417\n").find("must be between 0 and"), std::string::npos);
  EXPECT_NE(fe_refusal("storage.min_left_mib = 17592186044417\n").find("must be between 0 and"), std::string::npos);
  EXPECT_NE(fe_refusal("storage.flood_left_mib = 17592186044417\n").find("must be between 0 and"), std::string::npos);
}

std::string refusal_of_fe(const std::string& text) {
  try {
    static_cast<void>(parse_fe_config(text, "f"));
  } catch (const config_error& error) {
    return error.what();
  }
  return "it was taken";
}

TEST(Config, TheFrontEndsOfAGroupAreOneListOnAllOfThem) {
  const auto config = parse_fe_config(R"(
[node]
id = 2
frontends = ["2@h2:9010", "1@h1:9010", "3@h3:9010"]
edit_log_listen = "127.0.0.1:9010"
)", "f");
  const auto all = frontends_of(config);
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].id, 1U);
  EXPECT_EQ(all[0].address, "h1:9010");
  EXPECT_TRUE(frontends_of(fe_config{}).empty()) << "alone";
}

TEST(Config, SaysWhatIsWrongWithAListOfFrontEnds) {
  const auto with = [](const std::string& list) { return refusal_of_fe("[node]\nfrontends = " + list); };
  EXPECT_EQ(with(R"(["1@a:1", "2@b:1"])"), "it was taken") << "a group may have shrunk to that";
  EXPECT_NE(with(R"(["4@a:1", "2@b:1", "3@c:1"])").find("does not name this fe, node.id = 1"), std::string::npos);
  EXPECT_NE(with(R"(["1@a:1", "1@b:1", "3@c:1"])").find("\"1@b:1\" repeats an id or an address"), std::string::npos);
  EXPECT_NE(with(R"(["1@a:1", "2@a:1", "3@c:1"])").find("repeats"), std::string::npos);
  for (const auto* bad : {"a:1", "@a:1", "x@a:1", "0@a:1", "1@a", "1"})
    EXPECT_NE(with("[\"" + std::string(bad) + "\"]").find("is not ID@host:port"), std::string::npos) << bad;
  const std::string group = "[node]\nfrontends = [\"1@a:1\", \"2@b:1\", \"3@c:1\"]\n";
  EXPECT_NE(refusal_of_fe(group + "edit_log_listen = \"0.0.0.0:9010\"").find("allow_insecure"), std::string::npos);
  EXPECT_NE(refusal_of_fe(group + "edit_log_listen = \"9010\"").find("no listen address"), std::string::npos);
}

TEST(Config, AMissingFileSaysHowToMakeOne) {
  const auto why = refusal([] { (void)load_be_config("/nonexistent/be.toml", {}); });
  EXPECT_EQ(why.substr(0, 36), "/nonexistent/be.toml: cannot be read");
  EXPECT_NE(why.find("config default"), std::string::npos);
}

} // namespace

} // namespace tabletd
