// Virtual time: what is to happen when.
#pragma once

#include <cstdint>
#include <queue>
#include <tuple>
#include <vector>

namespace asap::sim {

/// What happens to a worker.
enum class What : std::uint8_t {
  computed,   ///< a gradient is done
  published,  ///< an attempt to publish is
  looked,     ///< at a block of the parameters
  written,    ///< a block of an update was
};

struct Event {
  double seconds = 0;
  std::uint64_t number = 0;  ///< of the announcement
  What what = What::computed;
  std::size_t worker = 0;
};

/// Events in the order of their time; at the same time, in the order in which they were announced. `add` and `take`
/// need O(log n) steps with n events announced.
class Timeline {
 public:
  void add(double seconds, What what, std::size_t worker) { events_.push({seconds, added_++, what, worker}); }

  bool is_empty() const { return events_.empty(); }
  double next_seconds() const { return events_.top().seconds; }

  /// The next event, which is over then. There must be one.
  Event take() {
    const Event event = events_.top();
    events_.pop();
    return event;
  }

 private:
  struct Later {
    bool operator()(const Event& a, const Event& b) const {
      return std::tie(a.seconds, a.number) > std::tie(b.seconds, b.number);
    }
  };

  std::priority_queue<Event, std::vector<Event>, Later> events_;
  std::uint64_t added_ = 0;
};

}  // namespace asap::sim
