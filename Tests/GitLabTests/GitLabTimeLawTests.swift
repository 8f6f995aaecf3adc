import GitLab
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("Times in GitLab's payloads")
struct GitLabTimeLawTests {
  /// Of the others a duration tells how long they were, beside their times.
  static let timed = GitLabSourceTests.fixtures.filter { !["pipeline.running"].contains($0.name) }

  @Test("No time that is absent or zero makes anything longer", arguments: timed)
  func absentTimes(fixture: PayloadFixture) throws {
    try PayloadTimeLaws(GitLabSourceTests.source).checkAbsentTimes(try GitLabSourceTests.delivery(fixture))
  }

  @Test("Sent again after a year a payload becomes the same", arguments: timed)
  func replay(fixture: PayloadFixture) throws {
    try PayloadTimeLaws(GitLabSourceTests.source).checkReplay(try GitLabSourceTests.delivery(fixture))
  }
}
