#ifndef BASE_VERSION_H
#define BASE_VERSION_H

/* The version of all four programs (semver.org). The newest entries of CHANGELOG.md and
 * config/debian/changelog must have the same, which tests/versions checks. */
#define UDPSRV_VERSION "0.2.0"

#endif
