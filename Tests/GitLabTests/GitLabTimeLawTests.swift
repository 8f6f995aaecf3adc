import GitLab
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("Times in GitLab's payloads")
struct GitLabTimeLawTests {
  @Test("No time that is absent or zero makes anything longer", arguments: GitLabSourceTests.fixtures)
  func absentTimes(fixture: PayloadFixture) throws {
    try PayloadTimeLaws(GitLabSourceTests.source).checkAbsentTimes(try GitLabSourceTests.delivery(fixture))
  }

  @Test("Sent again after a year a payload becomes the same", arguments: GitLabSourceTests.fixtures)
  func replay(fixture: PayloadFixture) throws {
    try PayloadTimeLaws(GitLabSourceTests.source).checkReplay(try GitLabSourceTests.delivery(fixture))
  }
}
