#include "asap/platform/interleaved_memory.h"

#include <linux/mempolicy.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <new>

namespace asap {
namespace {

constexpr std::size_t kWordBits = sizeof(unsigned long) * CHAR_BIT;

/// Whether the calling thread's pages go where they are touched first. Where the kernel does not say, it is assumed.
bool has_default_policy() {
  int mode = MPOL_DEFAULT;
  return syscall(SYS_get_mempolicy, &mode, nullptr, 0, nullptr, 0) != 0 || mode == MPOL_DEFAULT;
}

/// Asks for pages not touched yet to be dealt to the nodes in turn, by their addresses.
std::error_code interleave(void* pages, std::size_t bytes, const std::vector<std::size_t>& nodes) {
  const auto mask = node_mask(nodes);
  const std::size_t bits = mask.size() * kWordBits + 1;  // the kernel takes one bit less than it is told
  if (syscall(SYS_mbind, pages, bytes, MPOL_INTERLEAVE, mask.data(), bits, 0) == 0) return {};
  return {errno, std::generic_category()};
}

}  // namespace

std::vector<unsigned long> node_mask(const std::vector<std::size_t>& nodes) {
  std::vector<unsigned long> words;
  for (const std::size_t node : nodes) {
    words.resize(std::max(words.size(), node / kWordBits + 1));
    words[node / kWordBits] |= 1ul << node % kWordBits;
  }
  return words;
}

InterleavedMemory::InterleavedMemory(std::vector<std::size_t> nodes)
    : nodes_(has_default_policy() ? std::move(nodes) : std::vector<std::size_t>{}), ordinary_(nodes_.empty()) {}

void* InterleavedMemory::do_allocate(std::size_t bytes, std::size_t alignment) {
  if (ordinary_) return std::pmr::new_delete_resource()->allocate(bytes, alignment);
  void* pages =
      mmap(nullptr, std::max<std::size_t>(bytes, 1), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) throw std::bad_alloc();
  if (nodes_.empty()) return pages;
  error_ = interleave(pages, bytes, nodes_);
  if (error_) nodes_.clear();  // it would refuse the next ones as well
  return pages;
}

void InterleavedMemory::do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) {
  if (ordinary_) return std::pmr::new_delete_resource()->deallocate(memory, bytes, alignment);
  munmap(memory, std::max<std::size_t>(bytes, 1));
}

}  // namespace asap
