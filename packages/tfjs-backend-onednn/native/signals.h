// Signals wait while a thread runs oneDNN: its matrix products (2.6 to 3.2 at least) keep numbers where a handler's stack would be,
// and come out wrong or destroy the heap when one runs in between, as that of a CPU profiler does all the time.
#pragma once

#include <csignal>

// While it exists, signals to this thread wait, but for those that tell of an error of its own. Threads that it starts inherit that.
class NoSignals {
 public:
  NoSignals() {
    sigset_t all;
    sigfillset(&all);
    for (const int error : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT}) sigdelset(&all, error);
    pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  ~NoSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  NoSignals(const NoSignals&) = delete;

 private:
  sigset_t before_;
};
