/* Loaded before libc: the Nth call of a kind on a database file fails.
 *
 * CRASH_CALL is write, sync or open; CRASH_NTH counts from 1; CRASH_ERROR is EIO, ENOSPC or SHORT:
 * half of the bytes, and no space for the rest. The file CRASH_MARK is made when it happens. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILES 1024
static atomic_bool is_database[FILES];
static atomic_long calls;
static atomic_bool no_space;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int is_ours(int file) { return file >= 0 && file < FILES && is_database[file]; }

/* Whether this call is the one that is to fail; then errno is set. */
static int fails(const char *call) {
    const char *wanted = getenv("CRASH_CALL");
    if (!wanted || strcmp(wanted, call) != 0 || ++calls != atol(getenv("CRASH_NTH")))
        return 0;
    REAL(close)(REAL(open)(getenv("CRASH_MARK"), O_CREAT | O_WRONLY, 0600));
    errno = strcmp(getenv("CRASH_ERROR"), "EIO") == 0 ? EIO : ENOSPC;
    return 1;
}

static int opened(int file, const char *path) {
    if (file >= 0 && file < FILES)
        is_database[file] = strstr(path, "debitor.db") != NULL;
    return file;
}

#define OPEN(name)                                                              \
    int name(const char *path, int flags, ...) {                                \
        va_list more;                                                           \
        va_start(more, flags);                                                  \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0; \
        va_end(more);                                                           \
        if (strstr(path, "debitor.db") && fails("open"))                        \
            return -1;                                                          \
        return opened(REAL(name)(path, flags, mode), path);                     \
    }
OPEN(open)
OPEN(open64)

int close(int file) {
    if (file >= 0 && file < FILES)
        is_database[file] = 0;
    return REAL(close)(file);
}

/* How many of the bytes may be written; -1 if none, with errno. */
static ssize_t allowed(int file, size_t count) {
    if (!is_ours(file))
        return count;
    if (atomic_exchange(&no_space, 0)) {
        errno = ENOSPC;
        return -1;
    }
    if (!fails("write"))
        return count;
    if (strcmp(getenv("CRASH_ERROR"), "SHORT") != 0 || count < 2)
        return -1;
    no_space = 1;
    return count / 2;
}

#define WRITE(name, parameters, arguments)               \
    ssize_t name parameters {                            \
        ssize_t part = allowed(file, count);             \
        return part < 0 ? -1 : REAL(name) arguments;     \
    }
WRITE(write, (int file, const void *bytes, size_t count), (file, bytes, part))
WRITE(pwrite, (int file, const void *bytes, size_t count, off_t at), (file, bytes, part, at))
WRITE(pwrite64, (int file, const void *bytes, size_t count, off64_t at), (file, bytes, part, at))

#define SYNC(name) \
    int name(int file) { return is_ours(file) && fails("sync") ? -1 : REAL(name)(file); }
SYNC(fsync)
SYNC(fdatasync)
