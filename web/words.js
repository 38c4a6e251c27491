// Every word that the page shows, in both languages.

const WORDS = {
  zh: {
    other: "English",
    connecting: "连接中", live: "实时", offline: "已断开，正在重连",
    open: "进行中", confirmed: "已确认", up: "看多", down: "看空 / 回避", revisions: "收到更新", latency: "行情到推送",
    openTitle: "实时机会", closedTitle: "最近结束",
    symbol: "代码", side: "方向", state: "状态", confidence: "置信度", strength: "强度", price: "触发价",
    strategies: "策略", age: "持续", reason: "理由",
    Up: "▲ 看多", Down: "▼ 回避", Tracking: "跟踪", Confirmed: "确认",
    Expired: "到期", Invalidated: "失效", Halted: "熔断", SessionEnd: "收盘",
    empty: "暂无机会。策略发出足够可信的信号后，会立刻出现在这里。",
    none: "还没有结束的机会",
    synthetic: "合成数据：价格由程序随机生成，仅供演示，不是真实行情。",
    replay: "历史回放：这是过去交易日的行情，不是现在的市场。",
    advice: "仅供研究，不构成投资建议。红涨绿跌。",
    seconds: "秒", minutes: "分", hours: "时",
  },
  en: {
    other: "中文",
    connecting: "Connecting", live: "Live", offline: "Disconnected, trying again",
    open: "Open", confirmed: "Confirmed", up: "Up", down: "Down / avoid", revisions: "Updates received",
    latency: "Tick to push",
    openTitle: "Live opportunities", closedTitle: "Recently closed",
    symbol: "Symbol", side: "Side", state: "State", confidence: "Confidence", strength: "Strength", price: "Price",
    strategies: "Strategies", age: "Age", reason: "Reason",
    Up: "▲ Up", Down: "▼ Avoid", Tracking: "Tracking", Confirmed: "Confirmed",
    Expired: "Expired", Invalidated: "Invalidated", Halted: "Halted", SessionEnd: "Session end",
    empty: "No opportunity right now. It appears here as soon as the strategies are sure enough.",
    none: "None has closed yet",
    synthetic: "Synthetic data: prices are made up by a program for demonstration. This is not the market.",
    replay: "Replay: this is the market of a past day, not of now.",
    advice: "For research only, not investment advice. Red is up, green is down.",
    seconds: "s", minutes: "min", hours: "h",
  },
};

const KEY = "dfp.language";

let language = localStorage.getItem(KEY) ?? (navigator.language.startsWith("zh") ? "zh" : "en");

export const word = (key) => WORDS[language][key] ?? key;

export const htmlLanguage = () => (language === "zh" ? "zh-CN" : "en");

export function switchLanguage() {
  language = language === "zh" ? "en" : "zh";
  localStorage.setItem(KEY, language);
}
