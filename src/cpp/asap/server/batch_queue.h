// Which batches are with whom: handed out, given back by those who were lost, and come back as gradients, each once.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <vector>

namespace asap::server {

/// Batches of numbers below a limit. A number is open from when it is handed out until its gradient arrives; a second
/// gradient of it is refused, so that whatever is lost, repeated or sent late, none counts twice. Memory: the open
/// ones. One thread.
class BatchQueue {
 public:
  static constexpr std::uint64_t kNoEnd = std::numeric_limits<std::uint64_t>::max();

  /// The first `next` numbers were handed out before; of these, `open` have not arrived and are given back.
  BatchQueue(std::uint64_t limit, std::uint64_t next, const std::vector<std::uint64_t>& open)
      : limit_(limit), next_(next), open_(open.begin(), open.end()), returned_(open_) {}

  /// The lowest number that was given back, else a new one; nothing when there is none below the limit and `end`.
  std::optional<std::uint64_t> take(std::uint64_t end = kNoEnd) {
    if (!returned_.empty() && *returned_.begin() < end) return returned_.extract(returned_.begin()).value();
    if (next_ >= std::min(limit_, end)) return std::nullopt;
    open_.insert(next_);
    return next_++;
  }

  /// Whoever had it is no more. No effect on a number that is not open.
  void give_back(std::uint64_t batch) {
    if (open_.contains(batch)) returned_.insert(batch);
  }

  /// Its gradient is here. False: it was before. A number that was handed out elsewhere opens all below it, too.
  bool arrive(std::uint64_t batch) {
    for (; next_ <= batch; ++next_) open_.insert(next_);
    returned_.erase(batch);
    return open_.erase(batch) == 1;
  }

  bool has(std::uint64_t batch) const { return batch < next_ && !open_.contains(batch); }  ///< it has arrived
  bool is_done() const { return open_.empty() && next_ == limit_; }                        ///< all numbers have arrived
  std::uint64_t limit() const { return limit_; }
  std::uint64_t next() const { return next_; }  ///< the lowest number never handed out
  const std::set<std::uint64_t>& open() const { return open_; }

 private:
  const std::uint64_t limit_;
  std::uint64_t next_;
  std::set<std::uint64_t> open_, returned_;  // the second is part of the first
};

}  // namespace asap::server
