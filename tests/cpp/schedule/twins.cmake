# Broken twins: the sources with one fault planted, which the search must find, or it shows nothing.

# Compiles `program`_programs.cpp with src/cpp/asap/`file` in which `right` is replaced by `wrong`. Its schedules must
# lead to `violation`.
function(asap_twin name program file violation right wrong)
  set(original ${PROJECT_SOURCE_DIR}/src/cpp/asap/${file})
  set(twin ${CMAKE_CURRENT_BINARY_DIR}/${name}/asap/${file})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${original})
  file(READ ${original} text)
  string(FIND "${text}" "${right}" found)
  if(found EQUAL -1)
    message(FATAL_ERROR "${file} has changed: the twin ${name} looks for\n${right}")
  endif()
  string(REPLACE "${right}" "${wrong}" text "${text}")
  file(CONFIGURE OUTPUT ${twin} CONTENT "${text}" @ONLY)

  set(sources twin.cpp)
  if(file MATCHES "\\.cpp$")
    list(APPEND sources ${twin})
  else()
    list(APPEND sources ${program}_programs.cpp)
  endif()
  add_executable(twin_${name} ${sources})
  target_include_directories(twin_${name} BEFORE PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/${name})
  target_link_libraries(twin_${name} PRIVATE scheduled)
  add_test(NAME twin_${name} COMMAND twin_${name} ${program} "${violation}")
endfunction()

asap_twin(pin_ignores_the_version pool store/vector_pool.cpp "race"
  [[seq_of(seen) == (pin.version & kSeqMask) && ]] "")
asap_twin(pin_accepts_any_state pool store/vector_pool.cpp "race"
  [[ && state_of(seen) >= kLive]] "")
asap_twin(publish_ignores_the_version pool store/vector_pool.cpp "versions and publications differ"
  [[Word expected = make_published(base.version, base.slot);]]
  [[Word expected = published_.load(std::memory_order_relaxed);
  if (slot_of(expected) != base.slot) expected = ~expected;]])
asap_twin(publish_forgets_readers pool store/vector_pool.cpp "endless"
  [[while (!word.compare_exchange_weak(seen, make_word(next, kLive, readers_of(seen)), std::memory_order_relaxed)) {
  }]]
  [[word.store(make_word(next, kLive, readers_of(seen)), std::memory_order_relaxed);]])
asap_twin(unpin_frees_whatever_is_there pool store/vector_pool.cpp "race"
  [[void VectorPool::free_if_retired(Slot slot, Word retired) noexcept {]]
  [[void VectorPool::free_if_retired(Slot slot, Word retired) noexcept {
  retired = slots_[slot].word.load(std::memory_order_relaxed);
  if (state_of(retired) != kRetired) return;]])
asap_twin(retiring_ignores_readers pool store/vector_pool.cpp "race"
  [[if (readers_of(old) == 0) free_if_retired(base.slot, old + kOneState);]]
  [[if (old) slots_[base.slot].word.fetch_sub(kRetired * kOneState, std::memory_order_acq_rel);]])
asap_twin(a_number_is_taken_whatever_its_scale hogwild store/racy_state.h "an update was published that C rejects"
  [[while (!version_.compare_exchange_weak(current, current + 1, std::memory_order_relaxed));]]
  [[while (false);
    receipt.replaced = version_.fetch_add(1, std::memory_order_relaxed);
    receipt.apply(rule(receipt.tau(), receipt.replaced));]])
asap_twin(generation_before_the_table switch step/scale_table.h "a table was freed in use"
  [[current_.store(tables_.back().table.get(), std::memory_order_release);  // (3) pairs with acquire()'s load of it
    generation_.store(generation, std::memory_order_release);               // (4) pairs with (1)]]
  [[generation_.store(generation, std::memory_order_release);
    current_.store(tables_.back().table.get(), std::memory_order_release);]])
asap_twin(the_oldest_table_seen_is_freed switch step/scale_table.h "a table was freed in use"
  [[return owned.generation < oldest;]]
  [[return owned.generation <= oldest && owned.generation < tables_.back().generation;]])
asap_twin(a_round_ends_before_it_is_completed barrier store/round_barrier.h "a round went on before it was completed"
  [[complete();
    arrived_ = 0;
    phase_.fetch_add(1, std::memory_order_release);  // (2)]]
  [[phase_.fetch_add(1, std::memory_order_release);
    complete();
    arrived_ = 0;]])
asap_twin(the_phase_is_read_after_unlocking barrier store/round_barrier.h "stuck"
  [[const std::uint64_t phase = phase_.load(std::memory_order_relaxed);]]
  [[lock.unlock();
    const std::uint64_t phase = phase_.load(std::memory_order_relaxed);
    lock.lock();]])
asap_twin(one_slot_for_whole_values value train/whole_value.h "a torn value"
  [[next % 2]] [[0]])
asap_twin(a_pause_counts_those_of_the_one_before signal train/signal.h "stuck"
  [[    waiting_ = 0;
]] "")
asap_twin(who_wakes_late_waits_for_the_next_pause signal train/signal.h "stuck"
  [[resumed_.wait(lock, [&] { return pauses_ != pause || is(Order::stop); });]]
  [[resumed_.wait(lock, [&] { return !is(Order::pause); });]])
asap_twin(a_worker_leaves_without_a_word signal train/signal.h "stuck"
  [[    if (working_ == waiting_) at_rest_.notify_all();
]] "")
asap_twin(nobody_completes_a_group signal train/signal.h "a pause before a group was complete"
  [[waiting_ + 1 == working_ && unfinished()]] [[working_ == 0 && unfinished()]])
asap_twin(each_hears_of_a_pause_by_itself signal train/signal.h "stuck"
  [[return round < rounds_.load(std::memory_order_relaxed);]] [[return round < rounds_.load(std::memory_order_relaxed) && goes();]])
