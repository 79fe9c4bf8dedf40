// What Python sees of a run in progress, and how it is told of it.
#pragma once

#include <memory>

#include "asap/train/trainer.h"
#include "bindings.h"
#include "live_runs.h"

namespace asap::bindings {

/// Of this process.
LiveRuns& live_runs();

/// What Python holds of a run in progress; it points at nothing between callbacks.
class LiveHandle {
 public:
  void attach(LiveRun* live) { live_ = live; }
  LiveRun& get() const {
    if (!live_) throw std::runtime_error("this live run can only be used during the callback it was handed to");
    return *live_;
  }

  py::tuple snapshot() const {
    py::array_t<float> theta(static_cast<py::ssize_t>(num_parameters_));
    const Version version = get().snapshot({theta.mutable_data(), num_parameters_});
    return py::make_tuple(theta, version);
  }

  explicit LiveHandle(std::size_t num_parameters) : num_parameters_(num_parameters) {}

 private:
  std::size_t num_parameters_;
  LiveRun* live_ = nullptr;
};

/// Calls the Python observer on the coordinating thread, and lets Ctrl-C end the run instead of losing it.
class PythonObserver final : public Observer {
 public:
  PythonObserver(py::object observer, std::size_t num_parameters)
      : observer_(std::move(observer)), live_(std::make_shared<LiveHandle>(num_parameters)) {}

  void on_epoch(const EpochRecord& record, LiveRun& live) override;
  void on_tick(LiveRun& live) override;
  void on_checkpoint(const Checkpoint& checkpoint, LiveRun& live) override;
  void on_snapshot(std::span<const float> theta, const Moment& moment, LiveRun& live) override;
  void on_failure(const Failure& failure) noexcept override;

 private:
  template <class Function>
  void call(LiveRun& live, Function&& function);

  const LiveRuns::Entry entry_{live_runs()};
  py::object observer_;
  std::shared_ptr<LiveHandle> live_;  // Python may keep it longer than the run
};

}  // namespace asap::bindings
