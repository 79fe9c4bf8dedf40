// Workers who look at the parameters and update them block by block, while others do the same (Hogwild!).
#pragma once

#include <vector>

#include "asap/sim/shared_blocks.h"
#include "asap/sim/virtual_workers.h"

namespace asap::sim {

/// Engines call `read`, then `look` for every block or none, some time later `computed` and `publish`, and after that
/// `write` for every block and `end`. A view is made of what its blocks were when they were looked at; without a look
/// that is when `read` was called. Memory: every content of a block that is looked at, and a gradient per publication
/// in progress. One thread.
class BlockTeam final : public VirtualWorkers {
 public:
  BlockTeam(const Objective& objective, const SimulationOptions& options, std::span<const float> theta, Ledger& ledger);

  bool read(std::size_t worker);

  /// Looks at a block (again).
  void look(std::size_t worker, std::size_t block);

  /// Computes the gradient, settles τ and C(τ), and takes the next version. Returns false when C rejects or the
  /// gradient is given up, which then is over.
  bool publish(std::size_t worker);

  /// Updates block number `step` of those that a worker goes through: each begins elsewhere, as in store/hogwild.h.
  void write(std::size_t worker, std::size_t step);

  /// All blocks are written.
  void end(std::size_t worker);

  std::size_t num_blocks() const { return theta_.num_blocks(); }

  /// The parameters as they are at this moment; valid until the next call.
  const float* parameters();

  std::size_t high_water() const { return (theta_.high_water() + num_blocks() - 1) / num_blocks(); }  ///< in vectors

 private:
  struct Publication {
    std::vector<SharedBlocks::Slot> view;
    AlignedBuffer<float> gradient;  // while it is published
    Computed computed;
  };

  void assemble(const std::vector<SharedBlocks::Slot>& view);
  void give_back(AlignedBuffer<float>& gradient);

  SharedBlocks theta_;
  Version version_ = 0;  // next to be taken
  std::vector<Publication> publications_;
  std::vector<AlignedBuffer<float>> free_gradients_;
  AlignedBuffer<float> whole_;  // a view, or the present parameters, in one piece
};

}  // namespace asap::sim
