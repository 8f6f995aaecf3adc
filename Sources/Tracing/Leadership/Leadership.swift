import Dispatch
import Synchronization
package import ValueStreamCore

/// The work that only the holder of a lease does.
package protocol LeaderWork: Sendable {
  /// Works until ``stop(isLost:)``, then ends its work in order and returns.
  func run() async throws

  /// Makes ``run()`` return, also if it begins later.
  ///
  /// - Parameter isLost: True if another process may lead already. Nothing can be written then.
  func stop(isLost: Bool)
}

/// Keeps a lease. Builds the work of a leader when the lease is won, and drops it when the lease is lost.
///
/// Each time the work is built anew, because another leader may have changed the store in the meantime.
package final class Leadership<Work: LeaderWork>: Sendable {
  /// The time from winning the lease until the work has ended.
  private final class Term: Sendable {
    private struct State {
      var work: Work?
      var isOver = false
      var isLost = false
    }

    private let state: Mutex<State>

    init(_ work: Work? = nil) { state = Mutex(State(work: work)) }

    /// The work; nil while it is built, and after the lease was lost.
    var work: Work? { state.withLock { $0.isLost ? nil : $0.work } }

    var isLost: Bool { state.withLock(\.isLost) }

    /// - Returns: False if the term is over already.
    func begin(_ work: Work) -> Bool {
      state.withLock { state in
        state.work = work
        return !state.isOver
      }
    }

    func end(isLost: Bool) {
      let work = state.withLock { state in
        state.isOver = true
        state.isLost = state.isLost || isLost
        return state.work
      }
      work?.stop(isLost: isLost)
    }
  }

  private struct State {
    var term: Term?
    var isStopping = false
    var obstacle: String?
    /// True since another process was found to lead.
    var isFollowing = false
    /// Leaves the lease to others until then, after the work could not be built.
    var restUntil: ContinuousClock.Instant?
  }

  private let lease: any Lease
  private let logger: Logger
  private let observe: @Sendable () throws -> Void
  private let make: @Sendable () throws -> Work
  private let state = Mutex(State())
  private let wake = DispatchSemaphore(value: 0)
  private let terms: AsyncStream<Term>
  private let newTerm: AsyncStream<Term>.Continuation
  private let errorLines = LogThrottle()

  /// The pause after the work could not be built.
  private var rest: Duration { min(lease.pause * 4, .seconds(2)) }

  /// - Parameters:
  ///   - observe: Called after each look at the lease, on the same thread. Throws if the store cannot be used now.
  ///   - make: Builds the work. Blocks, on a thread of its own.
  package init(
    lease: any Lease, logger: Logger, observe: @escaping @Sendable () throws -> Void = {},
    make: @escaping @Sendable () throws -> Work
  ) {
    self.lease = lease
    self.logger = logger
    self.observe = observe
    self.make = make
    (terms, newTerm) = AsyncStream.makeStream()
  }

  /// The work of this process as leader; nil while it follows, or has not begun to lead.
  package var work: Work? { state.withLock(\.term)?.work }

  /// Why the lease or the store could not be used at the last look; nil if both could.
  package var obstacle: String? { state.withLock(\.obstacle) }

  /// The name of the leader; nil if there is none at present, or no other process can lead.
  package func leader() throws -> String? { try lease.holder() }

  /// Builds the work at once, for a lease that is free and never ends. Call it before ``run()``.
  ///
  /// - Throws: What building throws.
  package func leadNow() throws {
    let term = Term(try make())
    state.withLock { $0.term = term }
    newTerm.yield(term)
  }

  /// Keeps the lease, and does the work while this process holds it, until ``stop()``.
  ///
  /// Then it ends the work in order, and gives the lease back.
  package func run() async throws {
    async let serving: Void = serve()
    do {
      try await OwnThread.run { self.keep() }
    } catch {
      stop()
      newTerm.finish()
      await serving
      throw error
    }
    await serving
  }

  /// Makes ``run()`` return.
  package func stop() {
    let term = state.withLock { state in
      state.isStopping = true
      return state.term
    }
    term?.end(isLost: false)
    wake.signal()
  }

  // MARK: The lease

  /// Looks at the lease again and again, also while the work ends, so that nobody else leads before it has ended.
  private func keep() {
    while true {
      let (term, isStopping, restUntil) = state.withLock { ($0.term, $0.isStopping, $0.restUntil) }
      if isStopping, term == nil { break }
      do {
        if term == nil ? restUntil.map({ $0 <= .now }) ?? true : term?.isLost == false { try look(term) }
        try observe()
        if state.withLock({ $0.obstacle.take() }) != nil { logger.info("the store can be used again") }
      } catch {
        let isNew = state.withLock { state in
          defer { state.obstacle = "\(error)" }
          return state.obstacle == nil
        }
        if let heldBack = errorLines.pass(), isNew || heldBack > 0 {
          logger.log(.error, "the store cannot be used: \(error)") { $0.member("similarBefore", heldBack) }
        }
      }
      let isResting = state.withLock { $0.restUntil != nil }
      _ = wake.wait(timeout: .now() + (isResting ? rest : lease.pause).inSeconds)
    }
    lease.release()
    newTerm.finish()
  }

  private func look(_ term: Term?) throws {
    switch (try lease.tick(), term) {
    case (.leads, nil):
      let term = Term()
      let isStopping = state.withLock { state in
        state.restUntil = nil
        if !state.isStopping { state.term = term }
        return state.isStopping
      }
      if !isStopping { newTerm.yield(term) }
    case (.lost, let term?):
      logger.warn("has lost the lease: another daemon leads, and this one follows")
      term.end(isLost: true)
    case (.leads, _), (.lost, _): break
    case (.follows, _):
      let isFirst = state.withLock { state in
        defer { state.isFollowing = true }
        return !state.isFollowing
      }
      if isFirst { logger.info("follows: another daemon leads") }
    }
  }

  // MARK: The work

  private func serve() async {
    for await term in terms {
      do {
        let make = make
        let isGiven = term.work != nil
        let work: Work
        if let given = term.work { work = given } else { work = try await OwnThread.run { try make() } }
        if term.begin(work) {
          if !isGiven { logger.info("leads: projects deliveries, exports spans and removes what is old") }
          try await work.run()
        }
      } catch {
        if let heldBack = errorLines.pass("leading") {
          logger.log(.error, "cannot lead, will try again: \(error)") { $0.member("similarBefore", heldBack) }
        }
        // Another daemon may be able to.
        let lease = lease
        try? await OwnThread.run { lease.release() }
        state.withLock { $0.restUntil = .now + rest }
      }
      state.withLock { state in
        state.term = nil
        state.isFollowing = false
      }
      wake.signal()
    }
  }
}
