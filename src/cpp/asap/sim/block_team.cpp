#include "asap/sim/block_team.h"

#include "asap/train/resumption.h"

#include <algorithm>

#include "asap/store/store.h"

namespace asap::sim {

BlockTeam::BlockTeam(const Objective& objective, const SimulationOptions& options, std::span<const float> theta,
                     Ledger& ledger)
    : VirtualWorkers(objective, options, ledger),
      theta_(theta, layout_of(options.train, theta.size()), kPiece),
      publications_(tasks_.size()),
      whole_(theta.size()) {}

bool BlockTeam::read(std::size_t worker) {
  if (!take(worker, version_)) return false;
  auto& view = publications_[worker].view;
  view.resize(num_blocks());
  for (std::size_t block = 0; block < num_blocks(); ++block) view[block] = theta_.pin(block);
  return true;
}

void BlockTeam::look(std::size_t worker, std::size_t block) {
  SharedBlocks::Slot& seen = publications_[worker].view[block];
  theta_.unpin(seen);
  seen = theta_.pin(block);
}

bool BlockTeam::publish(std::size_t worker) {
  Publication& publication = publications_[worker];
  if (free_gradients_.empty()) free_gradients_.emplace_back(whole_.size());
  publication.gradient = std::move(free_gradients_.back());
  free_gradients_.pop_back();
  assemble(publication.view);
  for (const SharedBlocks::Slot seen : publication.view) theta_.unpin(seen);
  publication.computed = differentiate(worker, whole_.data(), publication.gradient);
  const bool given_up = skips(worker, publication.computed, publication.gradient);
  Receipt& receipt = tasks_[worker].receipt;
  if (!given_up) {
    receipt.replaced = version_;
    receipt.apply(ledger_.step(receipt.tau(), version_));
    if (receipt.step().rejects()) {
      settle(worker, Outcome::rejected, publication.computed);
    } else {
      ++receipt.attempts;
      ++version_;
      return true;
    }
  }
  give_back(publication.gradient);
  return false;
}

void BlockTeam::write(std::size_t worker, std::size_t step) {
  const std::size_t begin = worker % options_.workers * num_blocks() / options_.workers;
  theta_.advance((begin + step) % num_blocks(), {tasks_[worker].receipt.step(), publications_[worker].gradient.data()});
}

void BlockTeam::end(std::size_t worker) {
  give_back(publications_[worker].gradient);
  settle(worker, Outcome::published, publications_[worker].computed);
}

const float* BlockTeam::parameters() {
  for (std::size_t block = 0; block < num_blocks(); ++block)
    std::copy_n(theta_.current(block), theta_.length(block), whole_.data() + block * theta_.block_size());
  return whole_.data();
}

void BlockTeam::assemble(const std::vector<SharedBlocks::Slot>& view) {
  for (std::size_t block = 0; block < num_blocks(); ++block)
    std::copy_n(theta_.values(view[block]), theta_.length(block), whole_.data() + block * theta_.block_size());
}

void BlockTeam::give_back(AlignedBuffer<float>& gradient) { free_gradients_.push_back(std::move(gradient)); }

}  // namespace asap::sim
