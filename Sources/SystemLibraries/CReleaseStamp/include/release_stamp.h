#pragma once

/// Returns the version that `Scripts/dist` wrote into the program; empty for other builds.
const char *release_stamp(void);
