import { type Answer, type Answerer, type RecordingTarget, recordingTarget } from "@keelson/testkit";
import { onTestFinished } from "vitest";

/** A target for http steps that is closed at the end of the test. */
export async function testTarget(answers?: Answer | Answerer): Promise<RecordingTarget> {
  const target = await recordingTarget(answers);
  onTestFinished(() => target.close());
  return target;
}
