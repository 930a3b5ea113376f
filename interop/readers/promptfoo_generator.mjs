// The recipe of docs/ci.md: promptfoo calls this and gets the tests of the version from the server.
export default async function tests() {
  const {URL, TOKEN, DATASET} = process.env;
  const answer = await fetch(`${URL}/api/v1/golden/${DATASET}/versions/1/promptfoo.json`, {
    headers: {Authorization: `Bearer ${TOKEN}`},
  });
  if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`);
  return answer.json();
}
