#ifndef SYSTEM_HOSTS_H
#define SYSTEM_HOSTS_H

/* Three hosts, each a network namespace of its own on one bridge: 10.7.0.1 to .3 and fd07::1 to
 * ::3, each with its end of a link called eth0. */

enum { HOSTS = 3 };

struct hosts {
    int bridge;
    int host[HOSTS]; /* for netns_switch */
};

/* Makes them, or skips the test, saying why. The thread is on host 0 behind it. */
void hosts_build(struct hosts *hosts);

#endif
