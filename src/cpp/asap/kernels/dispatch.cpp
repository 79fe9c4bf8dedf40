// Which tables this build carries, which of them this processor runs, and which one is in use.
#include <cstdlib>
#include <string>
#include <vector>

#include "asap/core/error.h"
#include "asap/kernels/kernels.h"

namespace asap::kernels {

// Defined in table.cpp, once per instruction set.
namespace baseline {
extern const Table table;
}
namespace avx2 {
extern const Table table;
}
namespace avx512 {
extern const Table table;
}
namespace neon {
extern const Table table;
}

namespace {

#if defined(ASAP_HAS_AVX2)
bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
#endif
#if defined(ASAP_HAS_AVX512)
bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
}
#endif

std::vector<const Table*> detect() {
  std::vector<const Table*> tables;
#if defined(ASAP_HAS_BASELINE)
  tables.push_back(&baseline::table);
#endif
#if defined(ASAP_HAS_NEON)
  tables.push_back(&neon::table);
#endif
#if defined(ASAP_HAS_AVX2)
  if (has_avx2()) tables.push_back(&avx2::table);
#endif
#if defined(ASAP_HAS_AVX512)
  if (has_avx512()) tables.push_back(&avx512::table);
#endif
  return tables;
}

std::string names() {
  std::string list;
  for (const Table* table : available()) list.append(list.empty() ? "" : ", ").append(table->name);
  return list;
}

const Table& choose(const char* name) {
  if (!name || !*name) return *available().back();
  for (const Table* table : available())
    if (table->name == name) return *table;
  invalid_argument("ASAP_ISA must name an instruction set this build and processor can run (", names(), "); got '",
                   name, "'");
}

}  // namespace

std::span<const Table* const> available() {
  static const std::vector<const Table*> tables = detect();
  return tables;
}

const Table& active() {
  static const Table& table = choose(std::getenv("ASAP_ISA"));
  return table;
}

}  // namespace asap::kernels
