/* A disk that is watched, and that can fail: preloaded into a program (LD_PRELOAD), below its libc calls.
 *
 *   DISK_ROOT     only files below this folder are meant
 *   DISK_LOG      every change of theirs is appended here, in the order in which it happened (powercut.py plays it back)
 *   DISK_FAULTS   a file of 32 bytes, shared with the test: which calls fail from now on (fulldisk.py writes it)
 *
 * A record: op, length of path, of second path, offset, length of data; then path, second path, data. Changes by mmap are not seen: of
 * our files only SQLite's -shm is changed so, and nothing in it outlives a process. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum op { OP_CREATE = 1, OP_WRITE, OP_TRUNCATE, OP_SYNC, OP_RENAME, OP_UNLINK, OP_MKDIR };
enum family { WRITES = 0, SYNCS = 1, NAMES = 2 };

struct header { uint32_t op, path, other; uint32_t zero; uint64_t inode, offset, length; };

/* What the test asks for. `skip` calls still succeed, then `fail` of them fail with `error`. */
struct faults { int32_t family, error; int64_t skip, fail, failed; };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char root[PATH_MAX];
static size_t root_length;
static int log_file = -1;
static struct faults *faults;

#define REAL(name) ((__typeof__(&name))real(#name))
static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

__attribute__((constructor)) static void begin(void) {
  const char *folder = getenv("DISK_ROOT"), *log = getenv("DISK_LOG"), *shared = getenv("DISK_FAULTS");
  if (!folder || !realpath(folder, root)) return;
  root_length = strlen(root);
  if (log) log_file = fcntl((int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600), F_DUPFD_CLOEXEC, 500);
  if (shared) {
    int file = (int)syscall(SYS_openat, AT_FDCWD, shared, O_RDWR | O_CLOEXEC);
    void *map = file < 0 ? MAP_FAILED : mmap(NULL, sizeof *faults, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (map != MAP_FAILED) faults = map;
    if (file >= 0) syscall(SYS_close, file);
  }
}

/* The path below the root, or NULL when it is none of ours. */
static const char *below(const char *path) {
  if (!root_length || strncmp(path, root, root_length) != 0) return NULL;
  if (path[root_length] == 0) return "";
  return path[root_length] == '/' ? path + root_length + 1 : NULL;
}
static const char *of_file(int file, char *space) {
  if (!root_length || file < 0 || file == log_file) return NULL;
  char name[64];
  snprintf(name, sizeof name, "/proc/self/fd/%d", file);
  ssize_t length = readlink(name, space, PATH_MAX - 1);
  if (length <= 0) return NULL;
  space[length] = 0;
  return below(space);
}
static const char *of_path(int folder, const char *path, char *space) {
  if (!root_length || !path) return NULL;
  char whole[PATH_MAX * 2], base[PATH_MAX] = "";
  if (path[0] != '/') {
    if (folder == AT_FDCWD) { if (!getcwd(base, sizeof base)) return NULL; }
    else {
      char name[64];
      snprintf(name, sizeof name, "/proc/self/fd/%d", folder);
      ssize_t length = readlink(name, base, sizeof base - 1);
      if (length <= 0) return NULL;
      base[length] = 0;
    }
    snprintf(whole, sizeof whole, "%s/%s", base, path);
    path = whole;
  }
  size_t length = strlen(path);
  if (length >= PATH_MAX) return NULL;
  memcpy(space, path, length + 1);
  return below(space);
}

static uint64_t inode(int file) {
  struct stat status;
  return fstat(file, &status) == 0 ? status.st_ino : 0;
}

static void note(enum op op, const char *path, const char *other, uint64_t number, uint64_t offset, const void *data, uint64_t length) {
  if (log_file < 0) return;
  struct header header = {op, (uint32_t)strlen(path), other ? (uint32_t)strlen(other) : 0, 0, number, offset, length};
  struct iovec parts[4] = {{&header, sizeof header}, {(void *)path, header.path}, {(void *)(other ? other : ""), header.other}, {(void *)data, length}};
  /* One call, so that a record is whole or not there. */
  if (syscall(SYS_writev, log_file, parts, data ? 4 : 3) < 0) _exit(99);
}

/* Whether this call is to fail; errno is set then. */
static int fails(enum family family) {
  if (!faults || faults->family != (int)family || faults->fail <= 0) return 0;
  if (faults->skip > 0) { faults->skip--; return 0; }
  faults->fail--;
  faults->failed++;
  errno = faults->error;
  return 1;
}

#define GUARD(of, family, otherwise) \
  char space[PATH_MAX]; \
  const char *path = of; \
  if (!path) return otherwise; \
  pthread_mutex_lock(&lock); \
  if (fails(family)) { pthread_mutex_unlock(&lock); return -1; }
#define DONE(result) do { __typeof__(result) outcome_ = (result); int error_ = errno; pthread_mutex_unlock(&lock); errno = error_; return outcome_; } while (0)

/* ---- writing ---- */

ssize_t write(int file, const void *data, size_t length) {
  GUARD(of_file(file, space), WRITES, REAL(write)(file, data, length));
  off_t at = (fcntl(file, F_GETFL) & O_APPEND) ? lseek(file, 0, SEEK_END) : lseek(file, 0, SEEK_CUR);
  ssize_t written = REAL(write)(file, data, length);
  if (written > 0) note(OP_WRITE, path, NULL, inode(file), (uint64_t)at, data, (uint64_t)written);
  DONE(written);
}

ssize_t pwrite64(int file, const void *data, size_t length, off64_t at) {
  GUARD(of_file(file, space), WRITES, REAL(pwrite64)(file, data, length, at));
  ssize_t written = REAL(pwrite64)(file, data, length, at);
  if (written > 0) note(OP_WRITE, path, NULL, inode(file), (uint64_t)at, data, (uint64_t)written);
  DONE(written);
}
ssize_t pwrite(int file, const void *data, size_t length, off_t at) { return pwrite64(file, data, length, at); }

ssize_t writev(int file, const struct iovec *parts, int count) {
  char space[PATH_MAX];
  if (!of_file(file, space)) return REAL(writev)(file, parts, count);
  ssize_t sum = 0;
  for (int i = 0; i < count; i++) {
    ssize_t written = write(file, parts[i].iov_base, parts[i].iov_len);
    if (written < 0) return sum ? sum : -1;
    sum += written;
    if ((size_t)written < parts[i].iov_len) break;
  }
  return sum;
}

int ftruncate64(int file, off64_t length) {
  GUARD(of_file(file, space), WRITES, REAL(ftruncate64)(file, length));
  int result = REAL(ftruncate64)(file, length);
  if (result == 0) note(OP_TRUNCATE, path, NULL, inode(file), (uint64_t)length, NULL, 0);
  DONE(result);
}
int ftruncate(int file, off_t length) { return ftruncate64(file, length); }

/* Room is made by writing nothing: the file gets longer, and a full disk says so here. */
int posix_fallocate64(int file, off64_t at, off64_t length) {
  char space[PATH_MAX];
  if (!of_file(file, space)) return REAL(posix_fallocate64)(file, at, length);
  struct stat status;
  if (fstat(file, &status) != 0) return errno;
  if (at + length <= status.st_size) return 0;
  return ftruncate64(file, at + length) == 0 ? 0 : errno;
}
int posix_fallocate(int file, off_t at, off_t length) { return posix_fallocate64(file, at, length); }
int fallocate64(int file, int mode, off64_t at, off64_t length) {
  char space[PATH_MAX];
  if (!of_file(file, space)) return REAL(fallocate64)(file, mode, at, length);
  errno = EOPNOTSUPP;
  return -1;
}
int fallocate(int file, int mode, off_t at, off_t length) { return fallocate64(file, mode, at, length); }

/* ---- flushing ---- */

static int flush(int file, const char *name) {
  GUARD(of_file(file, space), SYNCS, ((int (*)(int))real(name))(file));
  int result = ((int (*)(int))real(name))(file);
  if (result == 0) note(OP_SYNC, path, NULL, inode(file), 0, NULL, 0);
  DONE(result);
}
int fsync(int file) { return flush(file, "fsync"); }
int fdatasync(int file) { return flush(file, "fdatasync"); }

/* ---- names ---- */

static int open_noting(int folder, const char *name, int flags, mode_t mode) {
  char space[PATH_MAX];
  const char *path = (flags & (O_CREAT | O_TRUNC)) ? of_path(folder, name, space) : NULL;
  if (!path) return (int)syscall(SYS_openat, folder, name, flags, mode);
  pthread_mutex_lock(&lock);
  struct stat status;
  int was_there = fstatat(folder, name, &status, 0) == 0;
  if (!was_there && (flags & O_CREAT) && fails(NAMES)) { pthread_mutex_unlock(&lock); return -1; }
  int file = (int)syscall(SYS_openat, folder, name, flags, mode);
  if (file >= 0 && !was_there) note(OP_CREATE, path, NULL, inode(file), 0, NULL, 0);
  else if (file >= 0 && (flags & O_TRUNC)) note(OP_TRUNCATE, path, NULL, inode(file), 0, NULL, 0);
  DONE(file);
}
#define MODE(flags) \
  mode_t mode = 0; \
  if ((flags) & (O_CREAT | __O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); }
int open(const char *name, int flags, ...) { MODE(flags) return open_noting(AT_FDCWD, name, flags, mode); }
int open64(const char *name, int flags, ...) { MODE(flags) return open_noting(AT_FDCWD, name, flags | O_LARGEFILE, mode); }
int openat(int folder, const char *name, int flags, ...) { MODE(flags) return open_noting(folder, name, flags, mode); }
int openat64(int folder, const char *name, int flags, ...) { MODE(flags) return open_noting(folder, name, flags | O_LARGEFILE, mode); }
int creat(const char *name, mode_t mode) { return open_noting(AT_FDCWD, name, O_CREAT | O_WRONLY | O_TRUNC, mode); }

int rename(const char *from, const char *to) {
  char other_space[PATH_MAX];
  GUARD(of_path(AT_FDCWD, from, space), NAMES, REAL(rename)(from, to));
  const char *other = of_path(AT_FDCWD, to, other_space);
  int result = REAL(rename)(from, to);
  if (result == 0 && other) note(OP_RENAME, path, other, 0, 0, NULL, 0);
  DONE(result);
}
int unlink(const char *name) {
  GUARD(of_path(AT_FDCWD, name, space), NAMES, REAL(unlink)(name));
  int result = REAL(unlink)(name);
  if (result == 0) note(OP_UNLINK, path, NULL, 0, 0, NULL, 0);
  DONE(result);
}
int unlinkat(int folder, const char *name, int flags) {
  GUARD(of_path(folder, name, space), NAMES, REAL(unlinkat)(folder, name, flags));
  int result = REAL(unlinkat)(folder, name, flags);
  if (result == 0) note(OP_UNLINK, path, NULL, 0, 0, NULL, 0);
  DONE(result);
}
int mkdir(const char *name, mode_t mode) {
  GUARD(of_path(AT_FDCWD, name, space), NAMES, REAL(mkdir)(name, mode));
  int result = REAL(mkdir)(name, mode);
  if (result == 0) note(OP_MKDIR, path, NULL, 0, 0, NULL, 0);
  DONE(result);
}
