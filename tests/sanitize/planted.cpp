// One bug of each kind that the sanitizers are there to find: a build in which they are not found checks nothing.
//
//   planted race | freed | leak | overflow
#include <limits>
#include <string_view>
#include <thread>

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

int main(int count, char** arguments) {
  const std::string_view bug = count > 1 ? arguments[1] : "";
  if (bug == "race") race();
  if (bug == "freed") freed();
  if (bug == "leak") leak();
  if (bug == "overflow") overflow();
}
