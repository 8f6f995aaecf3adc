import PayloadReading
import ValueStreamCore

/// Maps releases. A release is a draft until it is published.
extension GitHubMapping {
  func releaseEvent() throws(PayloadError) -> Event {
    let repository = try requireRepository()
    let release = try payload.root.requireObject("release")
    let id = String(try release.requireInt("id"))
    let tag = release.text("tag_name")
    // `created_at` is the time of the commit, so it is not read.
    let published = release.time("published_at")
    let updated = release.time("updated_at")
    let isGone = payload.action == "deleted"
    var event = Event(
      key: key("release", id, of: repository),
      time: .vendor(updated ?? published, orReceipt: received))
    event.operation = .release
    event.name = "\(repository.fullName) \(tag ?? id)"
    event.state = published != nil || isGone ? .ended : .running
    if let published {
      event.marks = [.begin(.vendor(published)), .end(.vendor(published))]
      event.outcome = .success
    } else {
      event.marks = [.begin(standIn(updated))]
      if isGone {
        event.marks.append(.end(standIn(updated)))
        event.outcome = .abandoned
      }
    }
    if published != nil, isGone || payload.action == "unpublished" {
      event.spanEvents.append(SpanEvent(name: payload.action, time: updated ?? received))
    }
    if let commit = release.text("target_commitish"), commit.utf8.count == 40, Hex.bytes(of: commit) != nil {
      event.follows = [followCommit(commit.lowercased())]
    }
    describe(repository, in: &event)
    event.attributes.add(AttributeName.artifactVersion, tag)
    event.attributes.add(AttributeName.valuestreamReleaseID, id)
    event.attributes.add(AttributeName.valuestreamReleaseTitle, release.text("name"))
    event.attributes.add(AttributeName.valuestreamReleaseURL, release.text("html_url"))
    event.attributes.add(AttributeName.valuestreamReleaseAuthor, release.object("author")?.text("login"))
    event.attributes.add(AttributeName.valuestreamReleasePrerelease, release.bool("prerelease"))
    event.attributes.add(AttributeName.valuestreamReleaseTarget, release.text("target_commitish"))
    event.attributes += GitHubClassicTags.release(release, repository: repository)
    if payload.action == "published", let published {
      event.classic = ClassicMark(
        eventSource: "github", type: "release", .end, state: "published", time: .vendor(published), begin: .vendor(published))
    }
    return event
  }
}
