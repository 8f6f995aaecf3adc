#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Provides the current time, for times of receipt. Not called `Clock`, because the standard library's `Clock` measures
/// durations.
public protocol WallClock: Sendable {
  func now() -> Timestamp
}

/// The system's real-time clock.
public struct SystemClock: WallClock {
  public init() {}

  public func now() -> Timestamp {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(seconds: Int64(time.tv_sec)).advanced(byNanoseconds: Int64(time.tv_nsec))
  }
}
