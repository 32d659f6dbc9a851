import { randomBytes } from "node:crypto";
import { AppError } from "@keelson/service-kit";
import { describe, expect, it } from "vitest";
import { createCursors } from "./cursor.ts";

describe("cursors", () => {
  const old = { version: 1, bytes: randomBytes(32) };
  const cursors = createCursors([old]);

  it("come back as the position they were made of", () => {
    expect(cursors.open("t1 executions", cursors.seal("t1 executions", "0192-id"))).toBe("0192-id");
  });

  it("are refused by every other list, by another key, and when they were changed", () => {
    const cursor = cursors.seal("t1 executions", "0192-id");
    const other = createCursors([{ version: 1, bytes: randomBytes(32) }]);
    expect(() => cursors.open("t2 executions", cursor)).toThrow(AppError);
    expect(() => other.open("t1 executions", cursor)).toThrow(AppError);
    for (const garbage of ["", "x", `${cursor}x`, cursor.slice(0, -2), `${cursor}=`, "AAAA".repeat(10), "null", "%%"]) {
      expect(() => cursors.open("t1 executions", garbage)).toThrow(AppError);
    }
  });

  it("are opened after their key has been replaced, while it is there behind the new one", () => {
    const next = { version: 2, bytes: randomBytes(32) };
    const cursor = cursors.seal("t1 executions", "0192-id");
    const during = createCursors([next, old]);
    expect(during.open("t1 executions", cursor)).toBe("0192-id");
    expect(during.open("t1 executions", during.seal("t1 executions", "new"))).toBe("new");
    expect(() => cursors.open("t1 executions", during.seal("t1 executions", "new"))).toThrow(AppError);
    expect(() => createCursors([next]).open("t1 executions", cursor)).toThrow(AppError);
  });
});
