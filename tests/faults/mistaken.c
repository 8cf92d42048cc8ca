/* A small UDP service for the self-test: when its call of eventfd fails, it makes the mistake that
 * MISTAKE names, one for each judgement. It has the ready line, the control socket and the counters
 * of udpsrv. */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static const char *mistake = "";
static bool loses_replies, loses_counts, ignores_end, spins;
static unsigned received, replied;
static volatile sig_atomic_t stopped;
static void *volatile kept;

static void stop(int number)
{
    (void)number;
    stopped = !ignores_end;
}

static bool is(const char *name)
{
    return strcmp(mistake, name) == 0;
}

static void spin(void)
{
    while (clock() < CLOCKS_PER_SEC * 13 / 10)
        ;
}

/* What happens after the failed call. */
static void make_mistake(void)
{
    if (is("crash"))
        *(volatile int *)kept = 1;
    ignores_end = is("hang");
    loses_replies = is("silent loss");
    loses_counts = is("unbalanced");
    spins = is("spin");
    if (is("leak of memory")) {
        kept = malloc(100);
        memset(kept, 1, 100);
        kept = NULL;
    }
    if (is("leak of a descriptor") && open("/dev/zero", O_RDONLY | O_CLOEXEC) < 0)
        exit(3);
    if (is("bare message"))
        fprintf(stderr, "udpsrv: eventfd: %s\n", strerror(errno));
    if (is("good message"))
        fprintf(stderr, "udpsrv: cannot make the descriptor that wakes a thread: %s\n",
                strerror(errno));
    if (is("silent exit") || is("bare message") || is("good message"))
        _exit(1);
}

static void answer_request(int fd)
{
    char bytes[64];
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    if (recvfrom(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &size) < 0)
        return;
    received++;
    replied += !loses_counts;
    if (!loses_replies)
        (void)!sendto(fd, "audi", 4, 0, (struct sockaddr *)&from, size);
}

static void answer_command(int listener)
{
    char line[64];
    int fd = accept(listener, NULL, NULL);
    if (fd < 0)
        return;
    if (read(fd, line, sizeof line) > 0)
        dprintf(fd, "ok\nreceived %u\nreplied %u\n.\n", received, replied);
    close(fd);
}

static int open_service(const char *path, struct pollfd fds[2])
{
    struct sockaddr_in service = {.sin_family = AF_INET, .sin_port = htons(3000)};
    struct sockaddr_un control = {.sun_family = AF_UNIX};
    service.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    snprintf(control.sun_path, sizeof control.sun_path, "%s", path);
    fds[0] = (struct pollfd){.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), .events = POLLIN};
    fds[1] =
        (struct pollfd){.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), .events = POLLIN};
    if (bind(fds[0].fd, (struct sockaddr *)&service, sizeof service) != 0 ||
        bind(fds[1].fd, (struct sockaddr *)&control, sizeof control) != 0)
        return -1;
    return listen(fds[1].fd, 4);
}

int main(int count, char **words)
{
    struct pollfd fds[2];
    if (getenv("MISTAKE") != NULL)
        mistake = getenv("MISTAKE");
    signal(SIGTERM, stop);
    if (count < 3 || open_service(words[2], fds) != 0)
        return 2;
    int wake = eventfd(0, EFD_CLOEXEC);
    if (wake < 0)
        make_mistake();
    else
        close(wake);
    printf("udpsrv: ready 127.0.0.1:3000\n");
    fflush(stdout);
    while (!stopped) {
        if (poll(fds, 2, 20) <= 0)
            continue;
        if (fds[0].revents)
            answer_request(fds[0].fd);
        if (fds[1].revents)
            answer_command(fds[1].fd);
    }
    if (spins)
        spin();
    close(fds[0].fd);
    close(fds[1].fd);
    return 0;
}
