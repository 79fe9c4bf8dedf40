// Memory for the vectors that all workers share: its pages lie on several NUMA nodes by turns, so that no node's memory
// has to serve everybody.
#pragma once

#include <cstddef>
#include <memory_resource>
#include <system_error>
#include <vector>

namespace asap {

/// The kernel's form of a set of nodes: bit n of the words, counted on from word to word, is node n.
std::vector<unsigned long> node_mask(const std::vector<std::size_t>& nodes);

/// Whole pages from the kernel, interleaved over the nodes given; without nodes, ordinary memory. A memory policy that
/// the process was started with (numactl) is somebody's choice and stays: then, too, memory is ordinary. A refusal does
/// no harm: pages then lie where they are touched first. Thread-safety: one thread.
class InterleavedMemory final : public std::pmr::memory_resource {
 public:
  explicit InterleavedMemory(std::vector<std::size_t> nodes);

  /// The nodes in force: none with ordinary memory, and none after a refusal.
  const std::vector<std::size_t>& nodes() const { return nodes_; }

  /// Why the kernel refused; no error if it did not.
  std::error_code error() const { return error_; }

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override;
  void do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) override;
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override { return this == &other; }

  std::vector<std::size_t> nodes_;
  const bool ordinary_;
  std::error_code error_;
};

}  // namespace asap
