#ifndef SERVER_CONTROL_CONTROL_AUTHORIZATION_H
#define SERVER_CONTROL_CONTROL_AUTHORIZATION_H

#include "net/unix/unix_peer.h"
#include "server/control/control_state.h"

#include <stdbool.h>

/* Decides who may connect to the control socket: root, its owner, and the users that control.mode
 * admits (control.group, others); to the observers' socket likewise by control.observer-mode.
 * Returns true if the peer of fd may, and fills in peer. Otherwise sends an error line to the peer,
 * logs the refusal, closes the descriptor and returns false. */
bool control_authorize(const struct control *control, int fd, struct unix_peer *peer);

#endif
