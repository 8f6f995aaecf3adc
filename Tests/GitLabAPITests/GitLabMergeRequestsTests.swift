import APIClient
import Testing
import ValueStreamCore
import ValueStreamTesting

@testable import GitLabAPI

struct GitLabMergeRequestsTests {
  private static let now = Timestamp(seconds: 1_796_000_000)

  private static func source(
    _ transport: TransportFake, groups: [String] = [], projects: [String] = ["acme/web/site"],
    period: RecordPeriod = RecordPeriod()
  ) throws -> GitLabMergeRequests {
    let token = try #require(Secret("glpat-x"))
    return GitLabMergeRequests(
      of: "https://git.acme.example", token: token, client: APIClient(transport: transport, sleep: { _ in }), groups: groups,
      projects: projects, state: .merged, period: period, pageSize: 100, columns: .all, now: now)
  }

  @Test("A merge request has the columns of a pull request")
  func mergeRequest() async throws {
    let node = """
      {"id":"gid://gitlab/MergeRequest/7","iid":"3","title":"Pay","state":"merged","createdAt":"2026-11-24T08:00:00Z",
      "mergedAt":"2026-11-24T10:00:00Z","updatedAt":"2026-11-24T10:00:01Z","webUrl":"https://git.acme.example/acme/web/site/-/merge_requests/3",
      "userNotesCount":2,"author":{"username":"tal"},"diffStatsSummary":{"additions":30,"deletions":6,"fileCount":4},
      "reviewers":{"nodes":[{"username":"ann"},{"username":"tal"}]},"approvedBy":{"nodes":[{"username":"bo"},{"username":"ann"}]},
      "draft":false,"commitCount":5,"sourceBranch":"pay","targetBranch":"main","labels":{"nodes":[{"title":"web"}]}}
      """
    let transport = TransportFake { _ in
      .json(#"{"data":{"project":{"mergeRequests":{"count":1,"pageInfo":{"hasNextPage":false},"nodes":[\#(node),{},null]}}}}"#)
    }
    let source = try Self.source(transport)
    let page = try await source.page(of: "acme/web/site", after: nil, atMost: nil)
    #expect(page.rows.count == 2)
    #expect(page.rows.allSatisfy { $0.count == source.columns.count })
    #expect(
      page.rows[0].prefix(19).joined(separator: ",")
        == "acme/web,site,2026-11-24T08:00:00Z,true,7200,2,30,6,36,3600,200,gid://gitlab/MergeRequest/7,2026-11-24T10:00:00Z,,"
        + "2026-11-24T10:00:01Z,tal,https://git.acme.example/acme/web/site/-/merge_requests/3,Pay,ann|bo")
    #expect(transport.requests[0].url == "https://git.acme.example/api/graphql")
    #expect(transport.requests[0].headers["Authorization"] == "Bearer glpat-x")
  }

  @Test("A group is all of its projects, by their paths; one that is not there is said")
  func groups() async throws {
    let transport = TransportFake { request in
      String(decoding: request.body, as: UTF8.self).contains(#""path":"acme""#)
        ? .json(#"{"data":{"group":{"projects":{"nodes":[{"fullPath":"acme/z"},{"fullPath":"acme/a"}]}}}}"#)
        : .json(#"{"data":{"group":null}}"#)
    }
    #expect(try await Self.source(transport, groups: ["acme"], projects: ["acme/z"]).containers().names == ["acme/z", "acme/a"])
    let error = await #expect(throws: APIError.self) { try await Self.source(transport, groups: ["nobody"]).containers() }
    #expect(error?.description == "there is no group nobody, or the token may not see it")
  }

  @Test("A list of projects that leads to itself has an end")
  func circle() async throws {
    let transport = TransportFake { _ in
      .json(#"{"data":{"group":{"projects":{"pageInfo":{"hasNextPage":true,"endCursor":"x"},"nodes":[]}}}}"#)
    }
    let error = await #expect(throws: APIError.self) { try await Self.source(transport, groups: ["acme"]).containers() }
    #expect(error?.code == .malformed)
  }

  @Test("A query that is too much for GitLab is asked again for less")
  func complexity() async throws {
    let transport = TransportFake { request in
      String(decoding: request.body, as: UTF8.self).contains(#""first":100"#)
        ? .json(#"{"errors":[{"message":"Query has complexity of 331, which exceeds max complexity of 300"}]}"#)
        : .json(#"{"data":{"project":{"mergeRequests":{"nodes":[]}}}}"#)
    }
    #expect(try await Self.source(transport).page(of: "acme/site", after: nil, atMost: nil).rows.isEmpty)
    #expect(transport.requests.count == 3)
  }
}
