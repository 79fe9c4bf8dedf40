// The spiller: one thread that carries full blocks from the workers' logs to the sink while the run goes on.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <thread>

#include "asap/trace/log.h"

namespace asap {

/// Memory: the logs (80 KiB a worker), whatever the length of the run. Thread-safety: `log(w)` belongs to worker w,
/// everything else to the thread that made the spiller; workers must have ended before `finish` or the destructor.
class Spiller {
 public:
  /// `on_failure` is called once at most, inside the handler of what the sink threw: in the spiller's thread, or in
  /// finish(). From then on records are thrown away, so that no worker waits for ever.
  Spiller(std::size_t workers, TraceSink& sink, std::function<void()> on_failure);
  ~Spiller();  ///< what is not yet written is lost
  Spiller(const Spiller&) = delete;
  Spiller& operator=(const Spiller&) = delete;

  /// Starts the thread. Until then nobody may fill more than the blocks of a log.
  void start();

  TraceLog& log(std::size_t worker) { return logs_[worker]; }

  /// Writes the rest, in the order of the workers.
  void finish() noexcept;

  std::uint64_t num_records() const;  ///< after finish()
  std::uint64_t stalls() const;       ///< after finish(): how often a worker waited for a free block

 private:
  void spill();
  void write(std::span<const TraceRecord> records) noexcept;
  void stop();

  TraceSink& sink_;
  const std::function<void()> on_failure_;
  SpillBell bell_;
  std::deque<TraceLog> logs_;  // never moved
  std::atomic<bool> stopping_{false};
  bool failed_ = false;  // the spiller's thread's own, until it is joined
  std::thread thread_;
};

}  // namespace asap
