/* A machine whose wall clock is wrong: preloaded into a program (LD_PRELOAD).
 *
 *   WRONG_CLOCK   `+SECONDS`: ahead by so much; `@SECONDS`: it was so late, in seconds since 1970, when the program started
 *
 * Timers go on as they are. (libfaketime changes the environment, and Swift finds a program's arguments by it.) */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t ahead;

__attribute__((constructor)) static void begin(void) {
  const char *text = getenv("WRONG_CLOCK");
  if (!text) return;
  struct timespec now;
  syscall(SYS_clock_gettime, CLOCK_REALTIME, &now);
  ahead = (time_t)atoll(text + 1) - (text[0] == '@' ? now.tv_sec : 0);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  int result = real ? real(clock, now) : (int)syscall(SYS_clock_gettime, clock, now);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += ahead;
  return result;
}
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  (void)zone;
  struct timespec precise;
  if (clock_gettime(CLOCK_REALTIME, &precise) != 0) return -1;
  now->tv_sec = precise.tv_sec;
  now->tv_usec = precise.tv_nsec / 1000;
  return 0;
}
time_t time(time_t *out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out) *out = now.tv_sec;
  return now.tv_sec;
}
