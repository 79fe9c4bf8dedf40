#include <array>
#include <memory>
#include <vector>

#include "asap/data/batch_source.h"
#include "asap/train/whole_value.h"
#include "programs.h"

namespace programs {

using schedule::require;

schedule::Program batch_source(std::size_t workers, std::uint64_t batches) {
  struct Shared {
    explicit Shared(std::uint64_t batches) : source(batches, 1, 0, batches) {}
    asap::BatchSource source;
    std::vector<int> taken = std::vector<int>(64);
    std::uint64_t granted = 0;
  };
  const auto shared = std::make_shared<Shared>(batches);
  schedule::Program program;
  for (std::size_t w = 0; w < workers; ++w)
    program.threads.push_back([shared] {
      while (const auto number = shared->source.take()) {
        require(shared->taken[*number]++ == 0, "a batch was taken twice");
        if (*number % 3 != 0) continue;
        ++shared->granted;
        shared->source.grant();
      }
    });
  program.at_rest = [shared, batches] {
    // Who grants while others find nothing left takes the batch itself.
    for (std::uint64_t k = 0; k < batches + shared->granted; ++k)
      require(shared->taken[k] == 1, "a batch was left, or none was granted");
  };
  return program;
}

schedule::Program whole_value(std::size_t readers, std::uint64_t values) {
  using Words = std::array<std::uint64_t, 3>;
  const auto value = std::make_shared<asap::WholeValue<Words>>();
  schedule::Program program;
  program.threads.push_back([value, values] {
    for (std::uint64_t i = 1; i <= values; ++i) value->store({i, i, i});
  });
  for (std::size_t r = 0; r < readers; ++r)
    program.threads.push_back([value, values] {
      std::uint64_t newest = 0;
      for (std::uint64_t i = 0; i < values; ++i) {
        const Words words = value->load();
        require(words[0] == words[1] && words[1] == words[2], "a torn value");
        require(words[0] >= newest, "an older value came back");
        newest = words[0];
      }
    });
  return program;
}

}  // namespace programs
