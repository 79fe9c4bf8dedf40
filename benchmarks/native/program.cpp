#include "program.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string_view>

namespace bench {
namespace {

struct Arguments {
  std::string json;
  std::vector<std::string> parts;
  bool google = false;
};

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word.starts_with("--benchmark_"))
      arguments.google = true;
    else if (word == "--json" && i + 1 < argc)
      arguments.json = argv[++i];
    else if (word.starts_with("-"))
      throw std::invalid_argument("accepted are --json FILE, --benchmark_… and parts of names; got " +
                                  std::string(word));
    else
      arguments.parts.emplace_back(word);
  }
  return arguments;
}

Cases wanted(const Program& program, const std::vector<std::string>& parts) {
  Cases cases;
  for (const Case& each : program.cases)
    if (parts.empty() ||
        std::ranges::any_of(parts, [&](const auto& part) { return each.name.find(part) != std::string::npos; }))
      cases.push_back(each);
  if (cases.empty()) throw std::invalid_argument("no case has such a name");
  return cases;
}

Results measure(const Program& program, const Cases& cases) {
  std::printf("%s: instruction set %s, medians of %zu measurements, %% of the limit measured in between\n",
              program.title.c_str(), std::string(asap::kernels::active().name).c_str(), program.effort.rounds);
  Results results;
  for (const Case& each : cases) {
    const Result& result = results.emplace_back(asap::bench::measure(each, program.effort));
    std::printf("%-48s %10.2f us %7.1f %-7s %5.1f %%\n", result.name.c_str(), result.seconds * 1e6, result.rate,
                result.unit, 100 * result.share);
    std::fflush(stdout);
  }
  return results;
}

void write_json(const std::string& path, const Program& program, const Results& results) {
  std::ofstream file(path);
  file << "{\"title\": \"" << program.title << "\", \"isa\": \"" << asap::kernels::active().name << "\", \"rows\": [";
  const char* separator = "\n";
  for (const Result& r : results) {
    file << separator << "{\"name\": \"" << r.name << "\", \"unit\": \"" << r.unit << "\", \"seconds\": " << r.seconds
         << ", \"rate\": " << r.rate << ", \"limit\": " << r.limit << ", \"share\": " << r.share << "}";
    separator = ",\n";
  }
  file << "\n]}\n";
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

}  // namespace

#if !defined(ASAP_HAS_GOOGLE_BENCHMARK)
void run_google_benchmark(const Cases&, int, char**) {
  throw std::invalid_argument("--benchmark_… needs Google Benchmark, which CMake did not find");
}
#endif

int run(const Program& program, int argc, char** argv) try {
  const Arguments arguments = parse(argc, argv);
  const Cases cases = wanted(program, arguments.parts);
  if (arguments.google) return run_google_benchmark(cases, argc, argv), 0;
  const Results results = measure(program, cases);
  program.conclude(results);
  if (!arguments.json.empty()) write_json(arguments.json, program, results);
  return 0;
} catch (const std::invalid_argument& error) {
  std::fprintf(stderr, "%s: %s\n", argv[0], error.what());
  return 2;
} catch (const std::runtime_error& error) {
  std::fprintf(stderr, "%s: %s\n", argv[0], error.what());
  return 1;
}

}  // namespace bench
