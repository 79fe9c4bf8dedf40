// One bug of each kind that the sanitizers are there to find: a build in which they are not found checks nothing.
//
//   planted race | freed | leak | overflow | outside_read | outside_write | outside_bytes
//   planted tables   prints the instruction sets whose kernels can be asked for by ASAP_ISA
#include <cstdint>
#include <iostream>
#include <limits>
#include <string_view>
#include <thread>
#include <vector>

#include "asap/kernels/kernels.h"

#define PLANTED extern "C" __attribute__((visibility("default"))) void

namespace {
volatile int sink = 0;
int* volatile lost = nullptr;
}  // namespace

PLANTED race() {
  int shared = 0;
  std::thread other([&shared] { ++shared; });
  ++shared;
  other.join();
  sink = shared;
}

PLANTED freed() {
  int* volatile block = new int(1);
  delete block;
  sink = *block;
}

PLANTED leak() {
  lost = new int[1000];
  lost = nullptr;
}

PLANTED overflow() {
  volatile int most = std::numeric_limits<int>::max();
  sink = most + 1;
}

/// Asks a kernel for one float more than an array has: 5 are the rest behind the vectors of every instruction set.
PLANTED outside_read() {
  const std::vector<float> from(4);
  std::vector<float> to(5);
  asap::kernels::active().copy(5, from.data(), to.data());
}

PLANTED outside_write() {
  const std::vector<float> from(5);
  std::vector<float> to(4);
  asap::kernels::active().copy(5, from.data(), to.data());
}

/// Asks for a pixel more than an image has: one for which another word is read.
PLANTED outside_bytes() {
  const std::vector<std::uint8_t> image(64);
  const std::uint8_t* const bytes[] = {image.data()};
  alignas(64) float lanes[65 * asap::kernels::kMaxLanes];
  asap::kernels::active().lanes_from_bytes(1, bytes, 65, 1, 1.0f, lanes);
}

int main(int count, char** arguments) {
  const std::string_view bug = count > 1 ? arguments[1] : "";
  if (bug == "race") race();
  if (bug == "freed") freed();
  if (bug == "leak") leak();
  if (bug == "overflow") overflow();
  if (bug == "outside_read") outside_read();
  if (bug == "outside_write") outside_write();
  if (bug == "outside_bytes") outside_bytes();
  if (bug == "tables")
    for (const asap::kernels::Table* table : asap::kernels::available()) std::cout << table->name << "\n";
}
