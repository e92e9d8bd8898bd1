// Golden texts of the seven formats.
#include "node/tabletctl/printer.h"
#include "node/tabletctl/display.h"
#include <capnp/message.h>
#include <gtest/gtest.h>
#include <limits>

namespace tabletd::ctl {
namespace {

/// Three rows with everything that is awkward.
struct Printer : ::testing::Test {
  ~Printer() noexcept override = default;
  capnp::MallocMessageBuilder message;
  api::RowSet::Builder rows = message.initRoot<api::RowSet>();

  void SetUp() override {
    use_utf8_locale();
    const struct {
      const char* name;
      api::ValueType type;
      const char* hint;
    } wanted[] = {
      {"Id", api::ValueType::UINT64, ""},         {"Name", api::ValueType::TEXT, ""},
      {"Alive", api::ValueType::BOOL, "state"},   {"Size", api::ValueType::UINT64, "bytes"},
      {"Age", api::ValueType::INT64, "duration"}, {"Since", api::ValueType::TIMESTAMP_MS, ""},
    };
    auto columns = rows.initColumns(6);
    for (std::uint32_t c = 0; c < 6; ++c) {
      columns[c].setName(wanted[c].name);
      columns[c].setType(wanted[c].type);
      columns[c].setHint(wanted[c].hint);
    }
    auto list = rows.initRows(3);
    fill(list[0], 10001, "plain", true, 1536, 1500, 0);
    fill(list[1], std::numeric_limits<std::uint64_t>::max(), "日本 \"q\", a|b\\c", false, 0,
         -61'000, 1'793'000'000'123);
    auto last = list[2].initValues(5); // One value short: null.
    last[0].setUint64(3);
    last[1].setText("two\nlines\tand \x1b[31m");
  }
  static void fill(api::Row::Builder row, std::uint64_t id, const char* text, bool alive,
                   std::uint64_t size, std::int64_t age, std::int64_t since) {
    auto values = row.initValues(6);
    values[0].setUint64(id);
    values[1].setText(text);
    values[2].setBool(alive);
    values[3].setUint64(size);
    values[4].setInt64(age);
    values[5].setTimestampMs(since);
  }
  std::string print(print_style style) {
    string_sink out;
    print_rows(out, rows.asReader(), style);
    return out.text();
  }
  std::string print(row_format format) {
    print_style style;
    style.format = format;
    return print(style);
  }
};

TEST_F(Printer, Table) {
  EXPECT_EQ(
    print(row_format::table),
    R"(+----------------------+--------------------------+-------+---------+------------+--------------------------+
| Id                   | Name                     | Alive | Size    | Age        | Since                    |
+----------------------+--------------------------+-------+---------+------------+--------------------------+
|                10001 | plain                    | true  | 1.5 KiB |      1.5 s | 1970-01-01T00:00:00.000Z |
| 18446744073709551615 | 日本 "q", a|b\c          | false |     0 B | -1 min 1 s | 2026-10-26T07:33:20.123Z |
|                    3 | two\nlines\tand \x1b[31m | NULL  |    NULL |       NULL | NULL                     |
+----------------------+--------------------------+-------+---------+------------+--------------------------+
)");
}

TEST_F(Printer, ATableThatIsTooWideTurnsVertical) {
  print_style style;
  style.width_max = 40;
  EXPECT_EQ(print(style), print(row_format::vertical));
  style.width_max = 200;
  EXPECT_EQ(print(style), print(row_format::table));
}

TEST_F(Printer, Vertical) {
  const auto text = print(row_format::vertical);
  EXPECT_EQ(text.substr(0, text.find("row 2")),
            R"(**************************** row 1 *****************************
   Id: 10001
 Name: plain
Alive: true
 Size: 1.5 KiB
  Age: 1.5 s
Since: 1970-01-01T00:00:00.000Z
**************************** )");
}

TEST_F(Printer, Tsv) {
  EXPECT_EQ(print(row_format::tsv),
            "Id\tName\tAlive\tSize\tAge\tSince\n"
            "10001\tplain\ttrue\t1536\t1.5\t1970-01-01T00:00:00.000Z\n"
            "18446744073709551615\t日本 \"q\", a|b\\\\c\tfalse\t0\t-61\t2026-10-26T07:33:20.123Z\n"
            "3\ttwo\\nlines\\tand \x1b[31m\t\\N\t\\N\t\\N\t\\N\n");
}

TEST_F(Printer, Csv) {
  EXPECT_EQ(print(row_format::csv),
            "Id,Name,Alive,Size,Age,Since\n"
            "10001,plain,true,1536,1.5,1970-01-01T00:00:00.000Z\n"
            "18446744073709551615,\"日本 \"\"q\"\", a|b\\c\",false,0,-61,2026-10-26T07:33:20.123Z\n"
            "3,\"two\nlines\tand \x1b[31m\",,,,\n");
}

TEST_F(Printer, Json) {
  EXPECT_EQ(print(row_format::json), R"([
  {"Id": 10001, "Name": "plain", "Alive": true, "Size": 1536, "Age": 1.5, "Since": "1970-01-01T00:00:00.000Z"},
  {"Id": 18446744073709551615, "Name": "日本 \"q\", a|b\\c", "Alive": false, "Size": 0, "Age": -61, "Since": "2026-10-26T07:33:20.123Z"},
  {"Id": 3, "Name": "two\nlines\tand \u001b[31m", "Alive": null, "Size": null, "Age": null, "Since": null}
]
)");
}

TEST_F(Printer, JsonLines) {
  const auto text = print(row_format::jsonl);
  EXPECT_EQ(
    text.substr(0, text.find('\n')),
    R"({"Id": 10001, "Name": "plain", "Alive": true, "Size": 1536, "Age": 1.5, "Since": "1970-01-01T00:00:00.000Z"})");
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3);
}

TEST_F(Printer, Markdown) {
  const auto text = print(row_format::markdown);
  EXPECT_EQ(text.substr(0, text.find("| 3")), R"(| Id | Name | Alive | Size | Age | Since |
|---:|---|---|---:|---:|---|
| 10001 | plain | true | 1.5 KiB | 1.5 s | 1970-01-01T00:00:00.000Z |
| 18446744073709551615 | 日本 "q", a\|b\c | false | 0 B | -1 min 1 s | 2026-10-26T07:33:20.123Z |
)");
}

TEST_F(Printer, OptionsForHeaderNullAndColor) {
  print_style style;
  style.header = false;
  style.null_text = "-";
  style.format = row_format::csv;
  EXPECT_EQ(print(style).substr(0, 5), "10001");
  EXPECT_NE(print(style).find(",-,-,-,-\n"), std::string::npos);
  style.format = row_format::table;
  style.color = true;
  const auto text = print(style);
  EXPECT_EQ(text.find("Name"), std::string::npos);
  EXPECT_NE(text.find("\x1b[32mtrue\x1b[0m  |"), std::string::npos)
    << "padding must not count the escapes";
  EXPECT_NE(text.find("\x1b[31mfalse\x1b[0m |"), std::string::npos);
}

TEST_F(Printer, NoRows) {
  rows.initRows(0);
  EXPECT_EQ(print(row_format::json), "[]\n");
  EXPECT_EQ(print(row_format::jsonl), "");
  EXPECT_EQ(print(row_format::tsv), "Id\tName\tAlive\tSize\tAge\tSince\n");
}

TEST(Json, KeepsItsPromiseOfValidUtf8) {
  EXPECT_EQ(json_string("a\xff\xc3(\xed\xa0\x80\xf0\x9f\x98\x80"),
            "\"a\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xf0\x9f\x98\x80\"");
}

TEST(Json, NumbersThatAreNoneAreNull) {
  capnp::MallocMessageBuilder message;
  auto rows = message.initRoot<api::RowSet>();
  rows.initColumns(2)[0].setName("a");
  rows.getColumns()[1].setName("b");
  auto values = rows.initRows(1)[0].initValues(2);
  values[0].setFloat64(std::numeric_limits<double>::infinity());
  values[1].setFloat64(0.1);
  string_sink out;
  print_rows(out, rows.asReader(), {.format = row_format::jsonl});
  EXPECT_EQ(out.text(), "{\"a\": null, \"b\": 0.1}\n");
}

TEST(Display, UnitsOfBytesAndTime) {
  EXPECT_EQ(bytes_text(0), "0 B");
  EXPECT_EQ(bytes_text(1023), "1023 B");
  EXPECT_EQ(bytes_text(1024), "1.0 KiB");
  EXPECT_EQ(bytes_text(1024 * 1024 - 1), "1.0 MiB");
  EXPECT_EQ(bytes_text(4.6 * 1024 * 1024 * 1024), "4.6 GiB");
  EXPECT_EQ(duration_text(0.0004), "0 ms");
  EXPECT_EQ(duration_text(0.35), "350 ms");
  EXPECT_EQ(duration_text(0.9999), "1.0 s");
  EXPECT_EQ(duration_text(59.97), "1 min 0 s");
  EXPECT_EQ(duration_text(7500), "2 h 5 min");
  EXPECT_EQ(duration_text(90'000), "1 d 1 h");
  EXPECT_EQ(timestamp_text(-1), "1969-12-31T23:59:59.999Z");
}

TEST(Display, SpansAsPeopleWriteThem) {
  using namespace std::chrono_literals;
  EXPECT_EQ(parse_duration("500ms"), 500ms);
  EXPECT_EQ(parse_duration("60s"), 60s);
  EXPECT_EQ(parse_duration("1.5m"), 90s);
  EXPECT_EQ(parse_duration("2h"), 2h);
  EXPECT_EQ(parse_duration("3"), 3s);
  for (const auto* wrong : {"", "s", "5x", "-1s", "nan", "1e300", "5 s"})
    EXPECT_EQ(parse_duration(wrong), std::nullopt) << wrong;
}

TEST(Display, WidthCountsColumnsNotBytes) {
  use_utf8_locale();
  EXPECT_EQ(display_width("abc"), 3U);
  EXPECT_EQ(display_width("äöü"), 3U);
  EXPECT_EQ(display_width("日本"), 4U);
  EXPECT_EQ(display_width("e\xcc\x81"), 1U); // A combining accent.
}

} // namespace
} // namespace tabletd::ctl
