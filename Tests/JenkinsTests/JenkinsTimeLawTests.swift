import Jenkins
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("Times in Jenkins' payloads")
struct JenkinsTimeLawTests {
  /// Of the others a duration tells how long they were, beside their times.
  static let timed = JenkinsSourceTests.fixtures.filter { !["run.completed", "run.finalized"].contains($0.name) }

  @Test("No time that is absent or zero makes anything longer", arguments: timed)
  func absentTimes(fixture: PayloadFixture) throws {
    try PayloadTimeLaws(JenkinsSourceTests.source).checkAbsentTimes(try JenkinsSourceTests.delivery(fixture))
  }

  @Test("Sent again after a year a payload becomes the same", arguments: timed)
  func replay(fixture: PayloadFixture) throws {
    try PayloadTimeLaws(JenkinsSourceTests.source).checkReplay(try JenkinsSourceTests.delivery(fixture))
  }
}
