#ifndef CUPNP_SHIM_H
#define CUPNP_SHIM_H
/* <upnp.h>, not <upnp/upnp.h>: pkg-config's include path ends in .../include/upnp. */
#include <upnp.h>
#include <upnptools.h>
#include <ixml.h>
#include <sys/prctl.h>
#include <signal.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/socket.h>

/* 1.8 and 1.14: the event is const void *; 22.x: void *. One signature for Swift; @Sendable keeps the callback off the main actor. */
typedef int (*cupnp_callback)(Upnp_EventType type, const void *_Nullable event, void *_Nullable cookie);
static inline int cupnp_register_client(__attribute__((swift_attr("@Sendable"))) cupnp_callback _Nonnull f, int *_Nonnull handle) {
  return UpnpRegisterClient((Upnp_FunPtr)f, 0, handle);
}

/* prctl is variadic, which Swift does not import. */
static inline int cupnp_die_with_parent(void) { return prctl(PR_SET_PDEATHSIG, SIGKILL); }
static inline int cupnp_gain_nothing(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }

static inline int cupnp_be_called(const char *_Nonnull name) { return prctl(PR_SET_NAME, name, 0, 0, 0); }

/* GNU extensions, which Swift's Glibc module leaves out. */
int pthread_setattr_default_np(const pthread_attr_t *_Nonnull attributes);
int accept4(int fd, struct sockaddr *_Nullable address, socklen_t *_Nullable length, int flags);
int pipe2(int *_Nonnull ends, int flags);
static inline int cupnp_accept(int fd) { return accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC); }
static inline void cupnp_small_threads(size_t stack) {
  pthread_attr_t attributes;
  mallopt(M_ARENA_MAX, 1);
  if (pthread_attr_init(&attributes)) return;
  pthread_attr_setstacksize(&attributes, stack);
  pthread_setattr_default_np(&attributes);
  pthread_attr_destroy(&attributes);
}
#endif
