// Who notes what a run says of its failure.
#pragma once

#include "asap/train/trainer.h"

/// The last failure that was told, and how many there were.
struct Witness : asap::Observer {
  int calls = 0;
  asap::Failure failure;
  void on_failure(const asap::Failure& at) noexcept override {
    ++calls;
    failure = at;
  }
};
