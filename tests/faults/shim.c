/* Records, kills or fails the libc calls that change files under one folder.
 *
 * Loaded below Python and SQLite alike by LD_PRELOAD; it watches nothing until medley_faults_arm
 * says what. Watched calls are taken one at a time, whichever thread they come from, and numbered
 * from 1.
 *
 * Two things are so from the start, watched or not. A sync is not passed on: nothing here pulls a
 * plug, so it would only cost time. Calls that copy or allocate inside the kernel are refused, as
 * by a file system that lacks them; their callers fall back to write.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

_Static_assert(sizeof(off_t) == 8, "the names that end in 64 are aliases here");

enum mode { OFF, RECORD, KILL, TEAR, FAIL, FAIL_FROM, FILL }; /* as in shim.py */

static struct {
    enum mode mode;
    long at;   /* the number of the call that is struck; FILL: how many bytes are free */
    int error; /* what a failed call says */
    int log;   /* where records go */
    char root[PATH_MAX];
} plan;

static long calls;
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

struct change {
    const char *kind;
    bool needs_room; /* a full disk refuses it */
    int descriptor;  /* of a write at the file's own position */
    off_t offset;
    size_t size;
    const void *data;
    char path[PATH_MAX], other[PATH_MAX];
};

#define HERE ((off_t)-1)
#define BLOCK ((off_t)4096)

#define REAL(name)                                                   \
    ({                                                               \
        static __typeof__(&name) real;                               \
        if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name); \
        real;                                                        \
    })

/* Make a call as the plan wants it; CALL is evaluated once, or not at all where it is to fail. */
#define PERFORM(is_watched, change, call)           \
    ({                                              \
        __typeof__(call) result = -1;               \
        if (!(is_watched))                          \
            result = (call);                        \
        else if (begin(change))                     \
            finish(change, result = (call));        \
        result;                                     \
    })

/* ---- the plan ---- */

static void append(const void *data, size_t size)
{
    for (const char *rest = data; size > 0;) {
        ssize_t written = REAL(write)(plan.log, rest, size);
        if (written <= 0) abort();
        rest += written, size -= written;
    }
}

static void record(const struct change *change, int error)
{
    struct {
        char kind[12];
        int32_t error;
        int64_t offset;
        uint32_t path, other, data;
    } __attribute__((packed)) header = {
        .error = error,
        .offset = change->offset,
        .path = strlen(change->path),
        .other = strlen(change->other),
        .data = change->data ? change->size : 0,
    };
    memcpy(header.kind, change->kind, strnlen(change->kind, sizeof header.kind));
    append(&header, sizeof header);
    append(change->path, header.path);
    append(change->other, header.other);
    append(change->data, header.data);
}

/* Take the room that a change needs; false where there is not enough. */
static bool take_room(const struct change *change)
{
    struct stat found;
    off_t size = stat(change->path, &found) == 0 ? found.st_size : -BLOCK; /* a new inode */
    off_t from = change->offset == HERE ? lseek(change->descriptor, 0, SEEK_CUR) : change->offset;
    off_t growth = from + (off_t)change->size - size;
    if (growth > plan.at) return false;
    if (growth > 0) plan.at -= growth;
    return true;
}

static bool must_fail(const struct change *change)
{
    switch (plan.mode) {
    case FAIL:
        return calls == plan.at && (plan.error != ENOSPC || change->needs_room);
    case FAIL_FROM:
        return calls >= plan.at && (plan.error != ENOSPC || change->needs_room);
    case FILL:
        return change->needs_room && !take_room(change);
    default:
        return false;
    }
}

/* Number a change and do to it what the plan says; false where it is to fail. */
static bool begin(struct change *change)
{
    pthread_mutex_lock(&turn);
    calls++;
    if (plan.mode == KILL && calls == plan.at) kill(getpid(), SIGKILL);
    if (plan.mode == TEAR && calls == plan.at) change->size /= 2;
    if (must_fail(change)) {
        pthread_mutex_unlock(&turn);
        errno = plan.error;
        return false;
    }
    return true;
}

static void finish(struct change *change, ssize_t result)
{
    int error = errno;
    if (plan.mode == TEAR && calls == plan.at) kill(getpid(), SIGKILL);
    if (change->data && result >= 0) change->size = result;
    if (change->offset == HERE) change->offset = lseek(change->descriptor, 0, SEEK_CUR) - result;
    if (plan.mode == RECORD) record(change, result < 0 ? error : 0);
    pthread_mutex_unlock(&turn);
    errno = error;
}

void medley_faults_arm(const char *root, int mode, long at, int error, int log)
{
    plan.at = at, plan.error = error, plan.log = log;
    strncpy(plan.root, root, sizeof plan.root - 1);
    calls = 0;
    plan.mode = mode;
}

/* Put a line of the caller's own among the records. */
void medley_faults_note(const char *kind, const char *text)
{
    struct change note = {.kind = kind, .data = text, .size = strlen(text)};
    pthread_mutex_lock(&turn);
    record(&note, 0);
    pthread_mutex_unlock(&turn);
}

/* ---- what is watched ---- */

static bool is_under_root(const char *path)
{
    size_t length = strlen(plan.root);
    return plan.mode != OFF && strncmp(path, plan.root, length) == 0 &&
           (path[length] == '/' || path[length] == '\0');
}

static bool path_of(int descriptor, char *path)
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    path[length < 0 ? 0 : length] = '\0';
    return length >= 0;
}

static bool is_open_there(struct change *change, int descriptor)
{
    change->descriptor = descriptor;
    return plan.mode != OFF && path_of(descriptor, change->path) && is_under_root(change->path);
}

static bool is_there(char *path, int folder, const char *name)
{
    char parent[PATH_MAX] = "";
    if (plan.mode == OFF) return false;
    if (name[0] != '/' && !(folder == AT_FDCWD ? getcwd(parent, PATH_MAX) != NULL
                                               : path_of(folder, parent)))
        return false;
    snprintf(path, PATH_MAX, "%s%s%s", parent, parent[0] ? "/" : "", name);
    return is_under_root(path);
}

/* ---- bytes ---- */

ssize_t write(int descriptor, const void *data, size_t size)
{
    struct change change = {.kind = "write", .needs_room = true, .data = data, .size = size, .offset = HERE};
    return PERFORM(is_open_there(&change, descriptor), &change,
                   REAL(write)(descriptor, data, change.size));
}

ssize_t pwrite(int descriptor, const void *data, size_t size, off_t offset)
{
    struct change change = {.kind = "write", .needs_room = true, .data = data, .size = size, .offset = offset};
    return PERFORM(is_open_there(&change, descriptor), &change,
                   REAL(pwrite)(descriptor, data, change.size, offset));
}

/* One piece at a time: a short count makes the caller come again with the others. */
static const struct iovec *first_piece(const struct iovec *pieces, int count)
{
    while (count-- > 1 && pieces->iov_len == 0) pieces++;
    return pieces;
}

ssize_t writev(int descriptor, const struct iovec *pieces, int count)
{
    const struct iovec *first = first_piece(pieces, count);
    return write(descriptor, first->iov_base, first->iov_len);
}

ssize_t pwritev(int descriptor, const struct iovec *pieces, int count, off_t offset)
{
    const struct iovec *first = first_piece(pieces, count);
    return pwrite(descriptor, first->iov_base, first->iov_len, offset);
}

int ftruncate(int descriptor, off_t length)
{
    struct change change = {.kind = "truncate", .needs_room = true, .offset = length};
    return PERFORM(is_open_there(&change, descriptor), &change,
                   REAL(ftruncate)(descriptor, length));
}

int truncate(const char *name, off_t length)
{
    struct change change = {.kind = "truncate", .needs_room = true, .offset = length};
    return PERFORM(is_there(change.path, AT_FDCWD, name), &change, REAL(truncate)(name, length));
}

int fsync(int descriptor)
{
    struct change change = {.kind = "sync", .needs_room = true};
    return PERFORM(is_open_there(&change, descriptor), &change, 0);
}

int fdatasync(int descriptor)
{
    return fsync(descriptor);
}

/* ---- names ---- */

int openat(int folder, const char *name, int flags, ...)
{
    struct change change = {.kind = "create", .needs_room = true};
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    bool changes = false;
    if (flags & (O_CREAT | O_TRUNC) && is_there(change.path, folder, name)) {
        bool exists = REAL(faccessat)(folder, name, F_OK, 0) == 0;
        changes = exists ? flags & O_TRUNC : flags & O_CREAT;
        if (exists) change.kind = "truncate";
    }
    return PERFORM(changes, &change, REAL(openat)(folder, name, flags, mode));
}

int open(const char *name, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return openat(AT_FDCWD, name, flags, mode);
}

int mkdirat(int folder, const char *name, mode_t mode)
{
    struct change change = {.kind = "mkdir", .needs_room = true};
    return PERFORM(is_there(change.path, folder, name), &change,
                   REAL(mkdirat)(folder, name, mode));
}

int mkdir(const char *name, mode_t mode)
{
    return mkdirat(AT_FDCWD, name, mode);
}

int unlinkat(int folder, const char *name, int flags)
{
    struct change change = {.kind = "unlink"};
    return PERFORM(is_there(change.path, folder, name), &change,
                   REAL(unlinkat)(folder, name, flags));
}

int unlink(const char *name)
{
    return unlinkat(AT_FDCWD, name, 0);
}

int rmdir(const char *name)
{
    return unlinkat(AT_FDCWD, name, AT_REMOVEDIR);
}

int renameat2(int from, const char *name, int to, const char *target, unsigned flags)
{
    struct change change = {.kind = "rename", .needs_room = true};
    bool is_from_there = is_there(change.path, from, name);
    return PERFORM(is_there(change.other, to, target) | is_from_there, &change,
                   REAL(renameat2)(from, name, to, target, flags));
}

int renameat(int from, const char *name, int to, const char *target)
{
    return renameat2(from, name, to, target, 0);
}

int rename(const char *name, const char *target)
{
    return renameat2(AT_FDCWD, name, AT_FDCWD, target, 0);
}

int linkat(int from, const char *name, int to, const char *target, int flags)
{
    struct change change = {.kind = "link", .needs_room = true};
    bool is_from_there = is_there(change.path, from, name);
    return PERFORM(is_there(change.other, to, target) | is_from_there, &change,
                   REAL(linkat)(from, name, to, target, flags));
}

int link(const char *name, const char *target)
{
    return linkat(AT_FDCWD, name, AT_FDCWD, target, 0);
}

/* ---- attributes ---- */

int fchmod(int descriptor, mode_t mode)
{
    struct change change = {.kind = "chmod"};
    return PERFORM(is_open_there(&change, descriptor), &change, REAL(fchmod)(descriptor, mode));
}

int fchmodat(int folder, const char *name, mode_t mode, int flags)
{
    struct change change = {.kind = "chmod"};
    return PERFORM(is_there(change.path, folder, name), &change,
                   REAL(fchmodat)(folder, name, mode, flags));
}

int chmod(const char *name, mode_t mode)
{
    return fchmodat(AT_FDCWD, name, mode, 0);
}

int futimens(int descriptor, const struct timespec times[2])
{
    struct change change = {.kind = "utime"};
    return PERFORM(is_open_there(&change, descriptor), &change, REAL(futimens)(descriptor, times));
}

int utimensat(int folder, const char *name, const struct timespec times[2], int flags)
{
    struct change change = {.kind = "utime"};
    return PERFORM(is_there(change.path, folder, name), &change,
                   REAL(utimensat)(folder, name, times, flags));
}

/* ---- room ---- */

int statvfs(const char *name, struct statvfs *found)
{
    char path[PATH_MAX];
    int result = REAL(statvfs)(name, found);
    if (plan.mode == FILL && is_there(path, AT_FDCWD, name))
        found->f_bavail = found->f_bfree = plan.at / found->f_frsize;
    return result;
}

/* ---- refused ---- */

static ssize_t refuse(int error)
{
    errno = error;
    return -1;
}

ssize_t sendfile(int to, int from, off_t *offset, size_t size)
{
    (void)to, (void)from, (void)offset, (void)size;
    return refuse(ENOSYS);
}

ssize_t copy_file_range(int from, off64_t *at, int to, off64_t *there, size_t size, unsigned flags)
{
    (void)from, (void)at, (void)to, (void)there, (void)size, (void)flags;
    return refuse(ENOSYS);
}

int fallocate(int descriptor, int mode, off_t offset, off_t size)
{
    (void)descriptor, (void)mode, (void)offset, (void)size;
    return refuse(EOPNOTSUPP);
}

int posix_fallocate(int descriptor, off_t offset, off_t size)
{
    (void)descriptor, (void)offset, (void)size;
    return EOPNOTSUPP;
}

/* ---- the other names of the same ---- */

#define ALSO(name, of) __asm__(".globl " #name "\n.set " #name ", " #of)

ALSO(pwrite64, pwrite);
ALSO(pwritev64, pwritev);
ALSO(ftruncate64, ftruncate);
ALSO(truncate64, truncate);
ALSO(open64, open);
ALSO(openat64, openat);
ALSO(sendfile64, sendfile);
ALSO(statvfs64, statvfs);
ALSO(fallocate64, fallocate);
ALSO(posix_fallocate64, posix_fallocate);
