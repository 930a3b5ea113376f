// The system under test: it says what it is told to say, but for one case.
export default class System {
  id() {
    return 'system';
  }

  async callApi(prompt) {
    const said = prompt.startsWith('Say: ') ? prompt.slice('Say: '.length) : prompt;
    return {output: said === process.env.WRONG ? 'something else' : said};
  }
}
