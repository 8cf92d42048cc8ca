#include "fake_server.h"

#include "harness.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

int fake_server_listen(const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(name.sun_path, sizeof name.sun_path, "%s", path);
    expect(bind(listener, (struct sockaddr *)&name, sizeof name) == 0 && listen(listener, 5) == 0,
           "expected to listen at %s", path);
    return listener;
}
