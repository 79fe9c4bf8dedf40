// Whole updates by one worker: networks × batches × engines, and how near each comes to what its FLOPs allow.
#include <algorithm>
#include <cstdio>

#include "asap/bench/cases.h"
#include "program.h"

namespace {

using asap::bench::Example;
using bench::Result;
using bench::Results;

struct Column {
  Example example;
  std::size_t batch_size;
  double target;  ///< share of the FLOP limit to reach

  std::string name() const { return std::string(name_of(example)) + " b=" + std::to_string(batch_size); }
};

constexpr Column kColumns[] = {{Example::mlp, 512, 0.90},   {Example::mlp, 64, 0.85},   {Example::mlp, 16, 0.65},
                               {Example::lenet, 512, 0.80}, {Example::lenet, 64, 0.85}, {Example::lenet, 16, 0.80}};

bench::Cases cases() {
  bench::Cases cases;
  for (const Column& column : kColumns)
    for (const auto& engine : asap::bench::engines())
      cases.push_back(asap::bench::update(column.example, column.batch_size, engine));
  return cases;
}

/// One line: a cell for each column whose result is there.
template <class Cell>
void print_line(const std::string& title, const Results& results, const std::string& engine, Cell cell) {
  std::printf("%-22s", title.c_str());
  for (const Column& column : kColumns) {
    const auto found = std::ranges::find(results, column.name() + ", " + engine, &Result::name);
    std::printf(" %12s", found == results.end() ? "" : cell(column, *found).c_str());
  }
  std::printf("\n");
}

std::string percent(double share) {
  char text[16];
  std::snprintf(text, sizeof text, "%.1f %%", 100 * share);
  return text;
}

std::string count(double number) { return std::to_string(static_cast<long>(number + 0.5)); }

void print_table(const Results& results) {
  std::printf("\n%-22s", "updates/s, one core");
  for (const Column& column : kColumns) std::printf(" %12s", column.name().c_str());
  std::printf("\n");
  const std::string first = asap::bench::engines().front().name;
  print_line("FLOP limit", results, first, [](const Column& c, const Result& r) {
    return count(r.limit * 1e9 / update_flops(c.example, c.batch_size));
  });
  print_line("to reach", results, first, [](const Column& c, const Result&) { return percent(c.target); });
  for (const auto& [engine, value] : asap::bench::engines()) {
    print_line(engine, results, engine, [](const Column&, const Result& r) { return count(1 / r.seconds); });
    print_line("  of the limit", results, engine, [](const Column&, const Result& r) { return percent(r.share); });
    print_line("  reached", results, engine,
               [](const Column& c, const Result& r) { return std::string(r.share >= c.target ? "yes" : "no"); });
  }
}

}  // namespace

int main(int argc, char** argv) {
  return bench::run({.title = "updates", .cases = cases(), .conclude = print_table}, argc, argv);
}
