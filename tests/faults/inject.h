#ifndef FAULTS_INJECT_H
#define FAULTS_INJECT_H

/* Fault injection: what each call of os/ and net/ is compiled to.
 *
 * The header that calls.py makes from calls.txt includes this file before each source of os/ and
 * net/, and replaces each call by one of the macros below. Each macro leaves an entry in the
 * section fault_sites, so the linker makes the complete table of the call sites of a program. The
 * product itself has no hook.
 *
 * The real function is called as fault_real_NAME, which the build renames to NAME in the object,
 * after it has checked that no call without a macro is left. */

#include <stddef.h>
#include <stdint.h>

/* Aligned to its size, so that the entries of all objects make one array without gaps. */
struct fault_site {
    const char *file, *function, *call;
    uintptr_t line;
} __attribute__((aligned(32)));

_Static_assert(sizeof(struct fault_site) == 32, "the section is an array of sites");

enum fault { FAULT_NONE, FAULT_ERROR, FAULT_SHORT };

/* Counts a call, and returns whether it is to fail; errno is then the error. Async-signal-safe; any
 * thread. */
enum fault fault_at(const struct fault_site *site);

/* Returns the error of the plan, also one that is no errno (EAI_*, GLOB_*). */
int fault_code(void);

/* Returns a size below size, and at least 1. */
size_t fault_shortened(size_t size);

/* Sets the error indicator of a stream, as a failed write does. Returns EOF. */
int fault_stream(void *stream);

#define FAULT_SITE(name)                       \
    static const struct fault_site fault_site_ \
        __attribute__((section("fault_sites"), used)) = {__FILE__, __func__, #name, __LINE__}

#define FAULT_HERE(name, ...) \
    __extension__({           \
        FAULT_SITE(name);     \
        __VA_ARGS__;          \
    })
#define FAULT_HIT (fault_at(&fault_site_) == FAULT_ERROR)

#define FAULT_int(name, ...)     FAULT_HERE(name, FAULT_HIT ? -1 : fault_real_##name(__VA_ARGS__))
#define FAULT_pointer(name, ...) FAULT_HERE(name, FAULT_HIT ? NULL : fault_real_##name(__VA_ARGS__))
#define FAULT_mapping(name, ...) \
    FAULT_HERE(name, FAULT_HIT ? MAP_FAILED : fault_real_##name(__VA_ARGS__))
#define FAULT_handler(name, ...) \
    FAULT_HERE(name, FAULT_HIT ? SIG_ERR : fault_real_##name(__VA_ARGS__))
#define FAULT_name(name, ...) FAULT_HERE(name, FAULT_HIT ? 0 : fault_real_##name(__VA_ARGS__))
#define FAULT_code(name, ...) \
    FAULT_HERE(name, FAULT_HIT ? fault_code() : fault_real_##name(__VA_ARGS__))
#define FAULT_lookup                FAULT_code
#define FAULT_registered(name, ...) FAULT_HERE(name, FAULT_HIT ? 1 : fault_real_##name(__VA_ARGS__))

#define FAULT_after(name, ...)                                                        \
    FAULT_HERE(name, int hit_ = FAULT_HIT; int code_ = fault_code();                  \
               int result_ = fault_real_##name(__VA_ARGS__); if (hit_) errno = code_; \
               hit_ ? -1 : result_)

/* EINPROGRESS says that the call goes on. */
#define FAULT_started(name, ...)                                                          \
    FAULT_HERE(                                                                           \
        name, int result_ = -1; if (!FAULT_HIT) result_ = fault_real_##name(__VA_ARGS__); \
        else if (fault_code() == EINPROGRESS) {                                           \
            (void)fault_real_##name(__VA_ARGS__);                                         \
            errno = EINPROGRESS;                                                          \
        } result_)

#define FAULT_sized(name, first, second, size, ...)                                            \
    FAULT_HERE(name, enum fault fault_ = fault_at(&fault_site_);                               \
               fault_ == FAULT_ERROR                                                           \
                   ? -1                                                                        \
                   : fault_real_##name(first, second,                                          \
                                       fault_ == FAULT_SHORT ? fault_shortened(size) : (size), \
                                       ##__VA_ARGS__))
#define FAULT_vector(name, fd, messages, count, ...)                                            \
    FAULT_HERE(name, enum fault fault_ = fault_at(&fault_site_);                                \
               fault_ == FAULT_ERROR                                                            \
                   ? -1                                                                         \
                   : fault_real_##name(fd, messages,                                            \
                                       fault_ == FAULT_SHORT ? (unsigned)fault_shortened(count) \
                                                             : (count),                         \
                                       __VA_ARGS__))

#define FAULT_output(name, ...) \
    FAULT_HERE(name, FAULT_HIT ? fault_stream(stdout) : fault_real_##name(__VA_ARGS__))
#define FAULT_stream1(name, stream) \
    FAULT_HERE(name, FAULT_HIT ? fault_stream(stream) : fault_real_##name(stream))
#define FAULT_stream2(name, what, stream) \
    FAULT_HERE(name, FAULT_HIT ? fault_stream(stream) : fault_real_##name(what, stream))
#define FAULT_text(name, bytes, size, stream) \
    FAULT_HERE(name,                          \
               FAULT_HIT ? (fault_stream(stream), NULL) : fault_real_##name(bytes, size, stream))
#define FAULT_items(name, data, size, count, stream)               \
    FAULT_HERE(name, FAULT_HIT ? (fault_stream(stream), (size_t)0) \
                               : fault_real_##name(data, size, count, stream))

#endif
