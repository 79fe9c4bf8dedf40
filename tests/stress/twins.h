// Broken twins of stores: what the checks must find, or they show nothing. Their faults come by count, not by chance.
#pragma once

#include <atomic>
#include <vector>

#include "asap/store/leashed.h"

namespace stress {

using namespace asap;

/// One update in a thousand is applied `Times` times, and reported as any other.
template <class S, int Times>
struct Miscounts : S {
  using S::S;
  Receipt commit(typename S::Handle& handle) {
    if (commits.fetch_add(1) % 1000 == 999)
      for (float& g : handle.gradient.span()) g *= Times;
    return S::commit(handle);
  }
  std::atomic<std::uint64_t> commits{0};
};

/// One view in a thousand has its second half from the view before.
template <class S>
struct Tears : S {
  using S::S;
  struct Handle : S::Handle {
    Handle(typename S::Handle handle, std::size_t parameters) : S::Handle(std::move(handle)), before(parameters) {}
    std::vector<float> before;
  };
  Handle handle(std::size_t worker) {
    typename S::Handle handle = S::handle(worker);
    const std::size_t parameters = handle.gradient.size();
    return Handle(std::move(handle), parameters);
  }
  View read(Handle& handle) {
    const View view = S::read(handle);
    const bool tears = reads.fetch_add(1) % 1000 == 999;
    const std::size_t copied = tears ? handle.before.size() / 2 : handle.before.size();
    std::copy_n(view.theta, copied, handle.before.data());
    return {tears ? handle.before.data() : view.theta, view.version};
  }
  std::atomic<std::uint64_t> reads{0};
};

/// One view in a thousand stays pinned for ever, 64 of them in all.
struct ForgetsPins : LeashedStore {
  static constexpr std::size_t kForgotten = 64;
  using LeashedStore::LeashedStore;
  View read(Handle& handle) {
    const View view = LeashedStore::read(handle);
    const std::uint64_t n = reads.fetch_add(1) + 1;
    if (n % 1000 == 0 && n <= 1000 * kForgotten) handle.reads = false;
    return view;
  }
  std::atomic<std::uint64_t> reads{0};
};

/// The gradients of the first `starving` workers never become updates.
template <class S>
struct Starves : S {
  using S::S;
  struct Handle : S::Handle {
    Handle(typename S::Handle handle, std::size_t id) : S::Handle(std::move(handle)), worker(id) {}
    std::size_t worker;
  };
  Handle handle(std::size_t worker) { return Handle(S::handle(worker), worker); }
  Receipt commit(Handle& handle) {
    if (handle.worker >= starving) return S::commit(handle);
    handle.receipt.outcome = Outcome::dropped;
    return handle.receipt;
  }
  std::size_t starving = 0;
};

}  // namespace stress
