#ifndef STATE_HANDOVER_H
#define STATE_HANDOVER_H

/* The former place of base/handover, which the registry uses, too. */
#include "base/handover.h"

#endif
