/* A fault at a chosen system call, loaded with LD_PRELOAD.

   Every call that opens, writes, syncs, renames, removes or makes something under one folder is counted and noted in a
   plan that lies in shared memory, so that a process and those that it starts count together. At the call that the plan
   names, the process is killed or the call fails. The file that holds the plan is FAULTS_PLAN; without it, and while
   the plan is not armed, all calls pass. tests/crash/plan.py knows the layout as well. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define LOG_SIZE (4 << 20)

enum kind { READ, OPEN, CREATE, WRITE, SYNC, RENAME, UNLINK, RMDIR, MKDIR, LINK, SYMLINK, TRUNCATE, ALLOCATE, TIMES };
static const char *const NAMES[] = {"read", "open",  "create", "write",   "sync",     "rename",   "unlink",
                                    "rmdir", "mkdir", "link",   "symlink", "truncate", "allocate", "times"};
enum action { NONE, KILL, TEAR, FAIL, SHORTEN };

struct plan {
    int32_t armed, action, error, lasting;
    int64_t at;     /* number of the call, from 1 */
    int64_t calls;  /* so far */
    int64_t logged; /* bytes of the log */
    int64_t kinds;  /* bits of the kinds that go on to fail after it */
    int64_t leader; /* a process that dies together with the one that is killed; 0 for none */
    char root[PATH_MAX];
    char log[LOG_SIZE];
};

static struct plan *plan;

#define REAL(name) ({ static __typeof__(&name) real; if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name); real; })

__attribute__((constructor)) static void read_plan(void)
{
    const char *path = getenv("FAULTS_PLAN");
    int descriptor = path ? REAL(open64)(path, O_RDWR | O_CLOEXEC) : -1;
    if (descriptor < 0) return;
    void *found = mmap(NULL, sizeof(struct plan), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    close(descriptor);
    if (found != MAP_FAILED) plan = found;
}

/* The path of an open file, or of a name beside one. */
static void path_of(int folder, const char *name, char *path)
{
    char link[64];
    size_t length = 0;
    path[0] = 0;
    if (name && name[0] == '/') {
        snprintf(path, PATH_MAX, "%s", name);
        return;
    }
    if (folder == AT_FDCWD) {
        if (!getcwd(path, PATH_MAX)) return;
        length = strlen(path);
    } else {
        snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        ssize_t read = readlink(link, path, PATH_MAX - 1);
        if (read < 0) return;
        length = (size_t)read;
        path[length] = 0;
    }
    if (name) snprintf(path + length, PATH_MAX - length, "/%s", name);
}

static int inside(const char *path)
{
    size_t length = strlen(plan->root);
    return !strncmp(path, plan->root, length) && (path[length] == '/' || !path[length]);
}

static void note(enum kind kind, const char *path)
{
    char line[PATH_MAX + 64];
    int length = snprintf(line, sizeof line, "%d %s %s\n", getpid(), NAMES[kind], path);
    int64_t place = __atomic_fetch_add(&plan->logged, length, __ATOMIC_SEQ_CST);
    if (place + length <= LOG_SIZE) memcpy(plan->log + place, line, (size_t)length);
}

static void die(void)
{
    if (plan->leader && plan->leader != getpid()) kill((pid_t)plan->leader, SIGKILL);
    for (;;) kill(getpid(), SIGKILL);
}

/* What is to become of a call: NONE lets it pass, FAIL has set errno. */
static enum action met(enum kind kind, int folder, const char *name)
{
    char path[PATH_MAX];
    int before = errno;
    if (!plan || !plan->armed) return NONE;
    path_of(folder, name, path);
    errno = before;
    if (!inside(path)) return NONE;
    int64_t number = __atomic_add_fetch(&plan->calls, 1, __ATOMIC_SEQ_CST);
    note(kind, path);
    errno = before;
    int again = plan->lasting && number > plan->at && plan->at && (plan->kinds >> kind & 1);
    if (number != plan->at && !again) return NONE;
    if (plan->action == KILL) die();
    if (plan->action == TEAR && kind != WRITE) die();
    if (plan->action == FAIL) errno = plan->error;
    return (enum action)plan->action;
}

#define FAILS(kind, folder, name) (met(kind, folder, name) == FAIL)

static enum kind kind_of(int flags, int folder, const char *name)
{
    if (flags & O_CREAT) return faccessat(folder, name, F_OK, AT_SYMLINK_NOFOLLOW) ? CREATE : OPEN;
    return (flags & O_ACCMODE) == O_RDONLY ? READ : OPEN;
}

static int noted_open(int folder, const char *name, int flags)
{
    int before = errno;
    enum kind kind = plan && plan->armed ? kind_of(flags, folder, name) : READ;
    errno = before;
    return FAILS(kind, folder, name);
}

#define MODE(flags) ({ mode_t m = 0; if ((flags) & (O_CREAT | O_TMPFILE)) { va_list l; va_start(l, flags); m = va_arg(l, mode_t); va_end(l); } m; })

EXPORT int open(const char *name, int flags, ...)
{
    mode_t mode = MODE(flags);
    return noted_open(AT_FDCWD, name, flags) ? -1 : REAL(open)(name, flags, mode);
}
EXPORT int open64(const char *name, int flags, ...)
{
    mode_t mode = MODE(flags);
    return noted_open(AT_FDCWD, name, flags) ? -1 : REAL(open64)(name, flags, mode);
}
EXPORT int openat(int folder, const char *name, int flags, ...)
{
    mode_t mode = MODE(flags);
    return noted_open(folder, name, flags) ? -1 : REAL(openat)(folder, name, flags, mode);
}
EXPORT int openat64(int folder, const char *name, int flags, ...)
{
    mode_t mode = MODE(flags);
    return noted_open(folder, name, flags) ? -1 : REAL(openat64)(folder, name, flags, mode);
}
EXPORT int creat(const char *name, mode_t mode) { return open(name, O_CREAT | O_WRONLY | O_TRUNC, mode); }

static int flags_of(const char *mode)
{
    int writes = strchr(mode, '+') ? O_RDWR : O_WRONLY;
    return mode[0] == 'r' ? (strchr(mode, '+') ? O_RDWR : O_RDONLY) : writes | O_CREAT;
}
EXPORT FILE *fopen(const char *name, const char *mode)
{
    return noted_open(AT_FDCWD, name, flags_of(mode)) ? NULL : REAL(fopen)(name, mode);
}
EXPORT FILE *fopen64(const char *name, const char *mode)
{
    return noted_open(AT_FDCWD, name, flags_of(mode)) ? NULL : REAL(fopen64)(name, mode);
}
EXPORT DIR *opendir(const char *name) { return FAILS(READ, AT_FDCWD, name) ? NULL : REAL(opendir)(name); }

/* A write that is torn or short does half of its bytes; a torn one is the last thing that the process does. */
#define WRITES(file, size, call) \
    do { \
        enum action action = met(WRITE, file, NULL); \
        if (action == FAIL) return -1; \
        if (action == TEAR || action == SHORTEN) size = (size + 1) / 2; \
        ssize_t done = call; \
        if (action == TEAR) die(); \
        return done; \
    } while (0)

EXPORT ssize_t write(int file, const void *data, size_t size) { WRITES(file, size, REAL(write)(file, data, size)); }
EXPORT ssize_t pwrite(int file, const void *data, size_t size, off_t place)
{
    WRITES(file, size, REAL(pwrite)(file, data, size, place));
}
EXPORT ssize_t pwrite64(int file, const void *data, size_t size, off64_t place)
{
    WRITES(file, size, REAL(pwrite64)(file, data, size, place));
}
EXPORT ssize_t writev(int file, const struct iovec *parts, int count)
{
    WRITES(file, count, REAL(writev)(file, parts, count));
}
EXPORT ssize_t sendfile(int out, int in, off_t *place, size_t size) { WRITES(out, size, REAL(sendfile)(out, in, place, size)); }
EXPORT ssize_t sendfile64(int out, int in, off64_t *place, size_t size)
{
    WRITES(out, size, REAL(sendfile64)(out, in, place, size));
}
EXPORT ssize_t copy_file_range(int in, off64_t *from, int out, off64_t *to, size_t size, unsigned flags)
{
    WRITES(out, size, REAL(copy_file_range)(in, from, out, to, size, flags));
}

/* Nothing is synced in earnest: a process that is killed loses nothing that the kernel has. */
static int sync_of(int file)
{
    if (!plan || !plan->armed) return 1;
    return FAILS(SYNC, file, NULL) ? -1 : 0;
}
EXPORT int fsync(int file)
{
    int done = sync_of(file);
    return done == 1 ? REAL(fsync)(file) : done;
}
EXPORT int fdatasync(int file)
{
    int done = sync_of(file);
    return done == 1 ? REAL(fdatasync)(file) : done;
}

/* What is renamed is noted by its old name; where it goes follows in a line of its own, which is not counted. */
static int noted_rename(int from, const char *old, int to, const char *new)
{
    int64_t before = plan ? plan->calls : 0;
    if (FAILS(RENAME, from, old)) return 1;
    if (plan && plan->armed && plan->calls != before) {
        char path[PATH_MAX];
        path_of(to, new, path);
        int saved = errno;
        char line[PATH_MAX + 8];
        int length = snprintf(line, sizeof line, "> %s\n", path);
        int64_t place = __atomic_fetch_add(&plan->logged, length, __ATOMIC_SEQ_CST);
        if (place + length <= LOG_SIZE) memcpy(plan->log + place, line, (size_t)length);
        errno = saved;
    }
    return 0;
}
EXPORT int rename(const char *old, const char *new)
{
    return noted_rename(AT_FDCWD, old, AT_FDCWD, new) ? -1 : REAL(rename)(old, new);
}
EXPORT int renameat(int from, const char *old, int to, const char *new)
{
    return noted_rename(from, old, to, new) ? -1 : REAL(renameat)(from, old, to, new);
}
EXPORT int renameat2(int from, const char *old, int to, const char *new, unsigned flags)
{
    return noted_rename(from, old, to, new) ? -1 : REAL(renameat2)(from, old, to, new, flags);
}

EXPORT int unlink(const char *name) { return FAILS(UNLINK, AT_FDCWD, name) ? -1 : REAL(unlink)(name); }
EXPORT int remove(const char *name) { return FAILS(UNLINK, AT_FDCWD, name) ? -1 : REAL(remove)(name); }
EXPORT int unlinkat(int folder, const char *name, int flags)
{
    return FAILS(flags & AT_REMOVEDIR ? RMDIR : UNLINK, folder, name) ? -1 : REAL(unlinkat)(folder, name, flags);
}
EXPORT int rmdir(const char *name) { return FAILS(RMDIR, AT_FDCWD, name) ? -1 : REAL(rmdir)(name); }
EXPORT int mkdir(const char *name, mode_t mode) { return FAILS(MKDIR, AT_FDCWD, name) ? -1 : REAL(mkdir)(name, mode); }
EXPORT int mkdirat(int folder, const char *name, mode_t mode)
{
    return FAILS(MKDIR, folder, name) ? -1 : REAL(mkdirat)(folder, name, mode);
}
EXPORT int link(const char *old, const char *new) { return FAILS(LINK, AT_FDCWD, new) ? -1 : REAL(link)(old, new); }
EXPORT int linkat(int from, const char *old, int to, const char *new, int flags)
{
    return FAILS(LINK, to, new) ? -1 : REAL(linkat)(from, old, to, new, flags);
}
EXPORT int symlink(const char *to, const char *name) { return FAILS(SYMLINK, AT_FDCWD, name) ? -1 : REAL(symlink)(to, name); }
EXPORT int symlinkat(const char *to, int folder, const char *name)
{
    return FAILS(SYMLINK, folder, name) ? -1 : REAL(symlinkat)(to, folder, name);
}
EXPORT int truncate64(const char *name, off64_t size)
{
    return FAILS(TRUNCATE, AT_FDCWD, name) ? -1 : REAL(truncate64)(name, size);
}
EXPORT int ftruncate(int file, off_t size) { return FAILS(TRUNCATE, file, NULL) ? -1 : REAL(ftruncate)(file, size); }
EXPORT int ftruncate64(int file, off64_t size) { return FAILS(TRUNCATE, file, NULL) ? -1 : REAL(ftruncate64)(file, size); }
/* posix_fallocate answers with the error itself. */
EXPORT int posix_fallocate(int file, off_t from, off_t size)
{
    return FAILS(ALLOCATE, file, NULL) ? errno : REAL(posix_fallocate)(file, from, size);
}
EXPORT int posix_fallocate64(int file, off64_t from, off64_t size)
{
    return FAILS(ALLOCATE, file, NULL) ? errno : REAL(posix_fallocate64)(file, from, size);
}
EXPORT int utimensat(int folder, const char *name, const struct timespec times[2], int flags)
{
    return FAILS(TIMES, folder, name) ? -1 : REAL(utimensat)(folder, name, times, flags);
}
EXPORT int futimens(int file, const struct timespec times[2])
{
    return FAILS(TIMES, file, NULL) ? -1 : REAL(futimens)(file, times);
}
