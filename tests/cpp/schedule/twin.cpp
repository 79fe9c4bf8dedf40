// Searches a broken twin: twin_<fault> <program> <violation that must be found>.
#include <iostream>
#include <map>

#include "programs.h"

int main(int, char** arguments) {
  using schedule::Program, schedule::Strategy;
  const std::map<std::string_view, std::vector<std::function<Program()>>> programs{
      {"pool",
       {[] { return programs::pool({.workers = 2, .publications = 4}); },
        [] { return programs::pool({.workers = 3, .readers = 1, .publications = 3, .drops = true}); }}},
      {"hogwild", {[] { return programs::hogwild(2, 4, 1); }}},
      {"switch", {[] { return programs::table_switch(2, 4, 4); }}},
      {"barrier", {[] { return programs::round_barrier(3, 3, true); }}},
      {"signal",
       {[] { return programs::signal(2, 3, false); }, [] { return programs::signal(3, 3, true); },
        [] { return programs::signal(3, 3, false, 2); }}},
      {"value", {[] { return programs::whole_value(2, 5); }}},
  };
  const std::string_view program = arguments[1], violation = arguments[2];
  for (const auto& make : programs.at(program))
    for (const Strategy strategy : {Strategy::walk, Strategy::preemptions}) {
      const schedule::Result result = schedule::explore({.strategy = strategy, .schedules = 20000}, make);
      std::cout << result.schedules << " schedules: " << (result.found() ? result.violation : "nothing found") << "\n";
      if (result.violation.find(violation) != std::string::npos) return 0;
    }
  return 1;
}
