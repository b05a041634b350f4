// What a sanitizer's own way of working forbids: such a test says so and is skipped there; the other builds
// run it.
#pragma once

#include <gtest/gtest.h>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SLUICE_THREAD_SANITIZER 1
#endif
#if __has_feature(undefined_behavior_sanitizer)
#define SLUICE_UNDEFINED_SANITIZER 1
#endif
#endif

#ifdef SLUICE_THREAD_SANITIZER
#define SKIP_UNDER_THREAD_SANITIZER(why) GTEST_SKIP() << "the thread sanitizer: " << why
#else
#define SKIP_UNDER_THREAD_SANITIZER(why) static_cast<void>(0)
#endif

#if defined(SLUICE_THREAD_SANITIZER) || defined(SLUICE_UNDEFINED_SANITIZER)
#define SKIP_UNDER_SANITIZERS(why) GTEST_SKIP() << "the sanitizer: " << why
#else
#define SKIP_UNDER_SANITIZERS(why) static_cast<void>(0)
#endif
