import Dispatch
import Synchronization
import Testing
import ValueStreamCore

@testable import Leadership

/// A lease that a test gives and takes.
private final class FakeLease: Lease {
  struct State {
    /// What the next calls of ``tick()`` answer; nil if they fail.
    var outcome: LeaseOutcome? = .follows
    var isHeld = false
    var releases = 0
    var ticks = 0
  }

  private let state = Mutex(State())
  var now: State { state.withLock(\.self) }
  var pause: Duration { .milliseconds(1) }

  func tick() throws -> LeaseOutcome {
    try state.withLock { state in
      state.ticks += 1
      guard let outcome = state.outcome else { throw StoreError(.busy, "away") }
      if state.isHeld, outcome != .leads {
        state.isHeld = false
        return .lost
      }
      state.isHeld = outcome == .leads
      return outcome
    }
  }

  func release() {
    state.withLock { state in
      state.releases += 1
      state.isHeld = false
    }
  }

  func holder() -> String? { nil }

  func set(_ outcome: LeaseOutcome?) { state.withLock { $0.outcome = outcome } }
}

/// Work that notes how it ends.
private final class FakeWork: LeaderWork {
  struct State {
    var isRunning = false
    var hasEnded = false
    var isLost: Bool?
  }

  private let state = Mutex(State())
  var now: State { state.withLock(\.self) }
  /// Closed by a test to let the work end after it was stopped.
  let end = AsyncStream.makeStream(of: Void.self)
  private let stops = AsyncStream.makeStream(of: Void.self)

  func run() async throws {
    state.withLock { $0.isRunning = true }
    for await _ in stops.stream {}
    for await _ in end.stream {}
    state.withLock { $0.hasEnded = true }
  }

  func stop(isLost: Bool) {
    state.withLock { $0.isLost = isLost }
    stops.continuation.finish()
  }
}

/// Waits without holding a thread of Swift's shared pool.
private func eventually(_ condition: () -> Bool) async {
  while !condition() { try? await Task.sleep(for: .milliseconds(1)) }
}

@Suite("Keeping a lease")
struct LeadershipTests {
  private let lease = FakeLease()
  private let logger = Logger { _ in }

  @Test("builds the work anew each time it leads, and ends it before it looks for the lease again")
  func terms() async throws {
    let made = Mutex<[FakeWork]>([])
    let looks = Atomic(0)
    let leadership = Leadership(lease: lease, logger: logger) {
      looks.add(1, ordering: .relaxed)
    } make: {
      let work = FakeWork()
      made.withLock { $0.append(work) }
      return work
    }
    let done = Atomic(false)
    async let running: Void = {
      try await leadership.run()
      done.store(true, ordering: .relaxed)
    }()
    await eventually { lease.now.ticks > 3 }
    #expect(leadership.work == nil)
    var count = made.withLock(\.count)
    #expect(count == 0)

    lease.set(.leads)
    await eventually { made.withLock { $0.first }?.now.isRunning == true }
    let all = made.withLock(\.self)
    let first = try #require(all.first)
    #expect(leadership.work === first)

    lease.set(.follows)
    await eventually { first.now.isLost == true }
    #expect(leadership.work == nil, "it may write nothing any more")
    // The lease is free, but the former work has not ended.
    lease.set(.leads)
    let ticks = lease.now.ticks
    let seen = looks.load(ordering: .relaxed)
    await eventually { looks.load(ordering: .relaxed) > seen + 3 }
    count = made.withLock(\.count)
    #expect(count == 1)
    #expect(lease.now.ticks == ticks)
    first.end.continuation.finish()
    await eventually { leadership.work.map { $0 !== first } == true }
    let second = try #require(leadership.work)

    // An orderly stop keeps the lease until the work has ended.
    leadership.stop()
    await eventually { second.now.isLost == false }
    let before = lease.now.ticks
    await eventually { lease.now.ticks > before + 3 }
    #expect(lease.now.isHeld)
    let isDone = done.load(ordering: .relaxed)
    #expect(!isDone)
    second.end.continuation.finish()
    try await running
    let left = lease.now
    #expect(!left.isHeld && left.releases == 1)
    #expect(second.now.hasEnded)
  }

  @Test("a store that is away is an obstacle until it is back, and the work goes on")
  func away() async throws {
    let isAway = Atomic(false)
    let leadership = Leadership(lease: lease, logger: logger) {
      if isAway.load(ordering: .relaxed) { throw StoreError(.busy, "no reading") }
    } make: {
      FakeWork()
    }
    async let running: Void = leadership.run()
    lease.set(.leads)
    await eventually { leadership.work != nil }
    #expect(leadership.obstacle == nil)
    let work = try #require(leadership.work)
    lease.set(nil)
    await eventually { leadership.obstacle == "away" }
    lease.set(.leads)
    isAway.store(true, ordering: .relaxed)
    await eventually { leadership.obstacle == "no reading" }
    isAway.store(false, ordering: .relaxed)
    await eventually { leadership.obstacle == nil }
    #expect(leadership.work === work)
    leadership.stop()
    work.end.continuation.finish()
    try await running
  }

  @Test("a daemon that cannot lead gives the lease back, and tries again later")
  func cannotLead() async throws {
    let attempts = Atomic(0)
    let leadership = Leadership<FakeWork>(lease: lease, logger: logger) {
      if attempts.add(1, ordering: .relaxed).newValue == 1 { throw StoreError(.busy, "cannot read") }
      return FakeWork()
    }
    lease.set(.leads)
    async let running: Void = leadership.run()
    await eventually { lease.now.releases == 1 }
    await eventually { leadership.work != nil }
    leadership.work?.end.continuation.finish()
    leadership.stop()
    try await running
    let count = attempts.load(ordering: .relaxed)
    #expect(count == 2)
  }

  @Test("with a lease that never ends, the work is there at once, and an error of building it reaches the caller")
  func permanent() async throws {
    let broken = Leadership<FakeWork>(lease: PermanentLease(), logger: logger) { throw StoreError(.unusable, "no store") }
    #expect(throws: StoreError.self) { try broken.leadNow() }

    let leadership = Leadership(lease: PermanentLease(), logger: logger) { FakeWork() }
    try leadership.leadNow()
    let work = try #require(leadership.work)
    async let running: Void = leadership.run()
    await eventually { work.now.isRunning }
    leadership.stop()
    work.end.continuation.finish()
    try await running
    let end = work.now
    #expect(end.hasEnded && end.isLost == false)
  }
}
