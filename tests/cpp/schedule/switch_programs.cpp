#include <malloc.h>

#include <cstdlib>
#include <memory>
#include <new>

#include "asap/step/scale_table.h"
#include "programs.h"

namespace {

// Memory freed by the program lies here until its schedule is over, so that no use of it goes unseen.
struct Grave {
  void* blocks[4096];
  std::size_t size = 0;
  bool open = false;

  void bury(void* block) noexcept {
    if (open && size < std::size(blocks))
      blocks[size++] = block;
    else
      std::free(block);
  }
  bool holds(const void* address) const {
    for (std::size_t i = 0; i < size; ++i)
      if (blocks[i] == address) return true;
    return false;
  }
  void clear() {
    open = false;
    for (std::size_t i = 0; i < size; ++i) std::free(blocks[i]);
    size = 0;
  }
};
Grave grave;

}  // namespace

void operator delete(void* block) noexcept { grave.bury(block); }
void operator delete(void* block, std::size_t) noexcept { grave.bury(block); }

namespace programs {
namespace {

using schedule::require;

struct SwitchInUse {
  explicit SwitchInUse(std::size_t workers) : tables(workers, asap::ScaleTable({1.0})) { grave.open = true; }
  ~SwitchInUse() { grave.clear(); }

  asap::TableSwitch tables;
};

void look_up(SwitchInUse& shared, std::size_t worker, std::uint64_t updates) {
  auto& reader = shared.tables.reader(worker);
  double newest = 0;
  for (std::uint64_t i = 0; i < updates; ++i) {
    const asap::ScaleTable& table = shared.tables.acquire(reader);
    for (int looks = 0; looks < 2; ++looks) {
      require(!grave.holds(&table), "a table was freed in use");
      schedule::reads(&table);
      require(table(0) >= newest, "an older table came back");
      newest = table(0);
      schedule::yield();
    }
  }
  shared.tables.release(reader);
}

}  // namespace

schedule::Program table_switch(std::size_t workers, std::uint64_t updates, std::uint64_t replacements) {
  const auto shared = std::make_shared<SwitchInUse>(workers);
  schedule::Program program;
  for (std::size_t w = 0; w < workers; ++w)
    program.threads.push_back([shared, w, updates] { look_up(*shared, w, updates); });
  program.threads.push_back([shared, replacements] {
    for (std::uint64_t i = 0; i < replacements; ++i)
      shared->tables.replace(asap::ScaleTable({static_cast<double>(i + 2)}));
  });
  program.at_rest = [shared] {
    shared->tables.replace(asap::ScaleTable({1.0}));
    require(shared->tables.num_kept() == 1, "a table was never freed");
  };
  return program;
}

}  // namespace programs
